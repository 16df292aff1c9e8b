"""Who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONTS = ("expert/cli", "expert/tui", "expert/assistant", "expert/__main__")


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Yield (file, imported module), imports inside functions included."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} uses a relative import"
                yield name, node.module or ""


def importers(folder: str, *packages: str) -> set[str]:
    return {file for file, module in imports(folder) if module.split(".")[0] in packages}


def test_only_the_bridge_imports_experta() -> None:
    assert importers("expert", "experta", "frozendict") == {"expert/inference/experta_bridge.py"}


def test_the_reasoning_knows_neither_torch_nor_probes() -> None:
    found = importers("expert", "torch", "probes")
    assert {file for file in found if not file.startswith(FRONTS)} == set()


def test_only_the_fronts_know_textual() -> None:
    assert {f for f in importers("expert", "textual") if not f.startswith(FRONTS)} == set()


def test_probes_know_only_the_words_of_the_reasoning() -> None:
    allowed = {"expert.observation", "expert.language", "expert.errors", "expert.spelling"}
    used = {(file, module) for file, module in imports("probes") if module.startswith("expert")}
    assert {pair for pair in used if pair[1] not in allowed} == set()


def test_the_core_does_not_know_the_fronts() -> None:
    core = [pair for pair in imports("expert") if not pair[0].startswith(FRONTS)]
    assert {pair for pair in core if pair[1].startswith(("expert.cli", "expert.tui"))} == set()


def loaded_after(script: str) -> set[str]:
    """Return the top-level packages loaded once `script` has run in a fresh interpreter."""
    script += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_expert_loads_nothing_heavy() -> None:
    heavy = {"torch", "textual", "experta", "pydantic", "numpy", "yaml", "probes"}
    assert loaded_after("import expert").isdisjoint(heavy)


def test_diagnosing_needs_neither_torch_nor_textual() -> None:
    script = "import expert; [getattr(expert, name) for name in expert.__all__]"
    loaded = loaded_after(script)
    assert loaded.isdisjoint({"torch", "textual", "probes"})
    assert "experta" in loaded
