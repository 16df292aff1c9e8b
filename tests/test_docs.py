"""The README and every page of docs/, followed as a new user would: files written, commands run.

`<!-- file: NAME -->` before a block writes it, `<!-- python -->` runs it, and
`<!-- run: 0 or 1, says WORDS -->` runs its commands, expecting an exit status and words.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from expert import built_in_knowledge
from expert.report.catalogue import causes_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md") if path.name != "writing-rules.md")
README = DOCS.parent / "README.md"
PROGRAMS = {
    "torchmedic": ["-m", "expert"],
    "pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
    "python": [],
    "pip": ["-m", "pip", "--disable-pip-version-check"],
}
INSTALLED = "installed"  # where a page's `pip install .` goes: not into this environment
_BLOCK = re.compile(r"<!-- (file|python|run)(?:: (.+?))? -->\n```\w*\n(.*?)```", re.DOTALL)
_RUN = re.compile(r"(?P<statuses>\d(?: or \d)*)(?:, says (?P<words>.+))?")


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    note: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [p for p in [*PAGES, README] if blocks(p)], ids=lambda page: page.stem
)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        match block.kind:
            case "file":
                (tmp_path / block.note).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / block.note).write_text(block.text, encoding="utf-8")
            case "python":
                assert call([sys.executable, "-c", block.text], tmp_path)[0] == 0
            case _:
                follow(block, tmp_path)


def follow(block: Block, folder: Path) -> None:
    expected = _RUN.fullmatch(block.note)
    assert expected, block.note
    for line in block.text.splitlines():
        program, *arguments = shlex.split(line)
        if program == "pip":
            arguments += ["--no-deps", "--no-build-isolation", "--quiet", "--target", INSTALLED]
        status, output = call([sys.executable, *PROGRAMS[program], *arguments], folder)
        assert str(status) in expected["statuses"].split(" or "), output
        assert (expected["words"] or "") in output


def call(command: list[str], folder: Path) -> tuple[int, str]:
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / INSTALLED)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_leaves_no_block_untried_by_accident(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = len(re.findall(r"<!-- show -->\n```", text))
    assert text.count("\n```") // 2 + text.startswith("```") == len(blocks(page)) + shown


def test_the_list_of_causes_is_that_of_the_knowledge() -> None:
    written = (DOCS / "causes.md").read_text(encoding="utf-8")
    assert written == causes_page(built_in_knowledge()), (
        "run: torchmedic rules list --markdown > docs/causes.md"
    )


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\(docs/([\w-]+\.md)\)", README.read_text(encoding="utf-8")))
    assert {path.name for path in DOCS.glob("*.md")} == linked
