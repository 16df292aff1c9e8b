"""What is built can be used: the wheel alone, installed away from the tree, runs everything.

The wheel is put into an empty folder, and run by the interpreter behind this environment, which
knows nothing of an editable install; what torchmedic needs comes from this environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON: str = getattr(sys, "_base_executable", sys.executable)
CASE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def case():
    torch.manual_seed(0)
    x = torch.randn(512, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=1))
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "train_loader": DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True),
    }
"""
SCRIPT = """
from case import case
parts = case()
for epoch in range(4):
    for x, y in parts["train_loader"]:
        parts["optimizer"].zero_grad()
        parts["loss_fn"](parts["model"](x), y).backward()
        parts["optimizer"].step()
print("trained")
"""
INTERFACE = """
import asyncio, torchmedic, expert
from expert.tui.app import TorchmedicApp
from expert.tui.running import real_services

async def main():
    services = real_services(rules=(), budget=10.0, min_certainty=0.5, device=None)
    app = TorchmedicApp(services, language="zh")
    async with app.run_test() as pilot:
        await pilot.pause()
        print(type(app.screen).__name__, "styled", app.screen.styles.background)

asyncio.run(main())
"""
BELONGS = "import sys, expert, probes, torchmedic; print(expert.__file__, *sys.path, sep='\\n')"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the wheel is installed, and a folder to work in."""

    site: Path
    work: Path

    def run(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run Python; return its exit status, and all that it wrote."""
        environment = {
            "PYTHONPATH": os.pathsep.join([str(self.site), sysconfig.get_path("purelib")]),
            "TERM": "dumb",
        }
        ended = subprocess.run(
            [PYTHON, *arguments],
            cwd=self.work,
            env={**os.environ, **environment},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return ended.returncode, ended.stdout

    def torchmedic(self, line: str, stdin: str = "") -> tuple[int, str]:
        """Run a torchmedic command line as its script does."""
        return self.run(str(self.site / "bin" / "torchmedic"), *line.split(), stdin=stdin)


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def wheel_of(source: Path, folder: Path) -> Path:
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work"))
    pip("install", "--quiet", "--no-deps", "--no-index", "--target", made.site, wheel)
    (made.work / "case.py").write_text(CASE, encoding="utf-8")
    (made.work / "train.py").write_text(SCRIPT, encoding="utf-8")
    rows = [f"{epoch},{0.7 / (epoch + 1):.3f},{0.4 + epoch / 20:.3f}" for epoch in range(12)]
    (made.work / "log.csv").write_text("\n".join(["epoch,train_loss,val_loss", *rows]))
    return made


pytestmark = pytest.mark.slow


def test_the_wheel_is_what_runs(place: Place) -> None:
    status, output = place.run("-c", BELONGS)
    assert status == 0
    home, *path = output.splitlines()
    assert home.startswith(str(place.site))
    assert str(ROOT) not in path


def test_a_wheel_from_the_source_distribution_is_the_same(wheel: Path, tmp_path: Path) -> None:
    build = f"from hatchling.build import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again = wheel_of(unpacked, tmp_path)
    assert contents(again) == contents(wheel)
    assert (unpacked / "tests" / "clinic" / "patients.py").is_file()
    assert (unpacked / "docs" / "writing-rules.md").is_file()


def contents(wheel: Path) -> dict[str, int]:
    """Return the files of a wheel and their check sums."""
    with zipfile.ZipFile(wheel) as archive:
        return {one.filename: one.CRC for one in archive.infolist() if "RECORD" not in one.filename}


@pytest.mark.parametrize("module", ["expert", "torchmedic"])
def test_its_modules_are_the_command(place: Place, module: str) -> None:
    assert place.run("-m", module, "--version") == place.torchmedic("--version")


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("--help", 0, "COMMAND"),
        ("--print-completion bash", 0, "complete"),
        ("demo --list", 0, "loss-explodes"),
        ("demo loss-explodes --text --budget 20", 1, "learning-rate-too-high"),
        ("log log.csv", 1, "overfitting"),
        ("log log.csv --lang zh", 1, "过拟合"),
        ("rules lint", 0, " causes, "),
        ("rules test", 0, " 0 failed"),
        ("rules list", 0, "double-softmax"),
        ("rules list --markdown", 0, "double-softmax"),
        ("rules show double-softmax", 0, "cause: double-softmax"),
        ("rules schema", 0, "$schema"),
        ("run train.py", 0, "trained"),
        ("clinic", 2, "checkout"),
        ("check nowhere.py:case", 2, "nowhere.py"),
    ],
)
def test_every_command_runs(place: Place, line: str, status: int, words: str) -> None:
    ended, output = place.torchmedic(line)
    assert words in output
    assert ended == status, output


def test_a_case_is_examined_and_reported_in_every_format(place: Place) -> None:
    formats = ("json", "html", "markdown", "sarif", "junit")
    wanted = " ".join(f"--{name} out.{name}" for name in formats)
    status, output = place.torchmedic(f"check case.py:case --budget 30 {wanted}")
    assert status == 1, output
    found = json.loads((place.work / "out.json").read_text(encoding="utf-8"))
    assert found["findings"][0]["cause"] == "double-softmax"
    for name in formats:
        assert "double-softmax" in (place.work / f"out.{name}").read_text(encoding="utf-8")
    status, output = place.torchmedic("explain out.json double-softmax")
    assert (status, "double-softmax" in output) == (0, True)


def test_the_questionnaire_takes_answers_from_a_pipe(place: Place) -> None:
    status, output = place.torchmedic("ask", stdin="1\nq\n")
    assert status in (0, 1)
    assert "Traceback" not in output


def test_the_interface_opens_in_its_style(place: Place) -> None:
    status, output = place.run("-c", INTERFACE)
    assert status == 0, output
    assert "styled" in output


def test_pytest_knows_it(place: Place) -> None:
    status, output = place.run("-m", "pytest", "-q", "--torchmedic", "case.py:case")
    assert status == 1
    assert "double-softmax" in output


def test_the_library_does_not_load_torch_before_it_must(place: Place) -> None:
    script = "import sys, torchmedic, expert; from torchmedic import check, watch"
    status, output = place.run("-c", script + "; print('torch' in sys.modules)")
    assert (status, output) == (0, "False\n")


def test_an_assistant_can_be_served(place: Place) -> None:
    pytest.importorskip("mcp")
    status, output = place.torchmedic("mcp")  # its input ends at once
    assert (status, output) == (0, "")
