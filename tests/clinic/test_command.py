"""`torchmedic clinic` as a developer meets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from expert.cli import main

from .running import Appointment, Round, visits

ROOT = Path(__file__).parents[2]


def clinic(*arguments: str) -> int:
    return main(["clinic", *arguments, "--lang", "en"])


def test_list_names_patients_and_their_causes(capsys: pytest.CaptureFixture[str]) -> None:
    assert clinic("--list", "--only", "wine/", "--cause", "metric-wrong") == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["wine/metric-over-the-wrong-axis", "metric-wrong"] in [line.split() for line in lines]
    assert all(line.startswith("wine/") for line in lines)


def test_a_choice_that_fits_nobody_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert clinic("--only", "no-such-patient") == 2
    assert "No patient fits" in capsys.readouterr().err


def test_the_report_of_something_else_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text('{"schema": "mine"}')
    assert clinic("--only", "wine/healthy", "--json", str(mine)) == 2
    assert "mine.json is not a report of torchmedic clinic" in capsys.readouterr().err
    assert mine.read_text() == '{"schema": "mine"}'


@pytest.mark.slow
def test_a_round_goes_on_where_it_was_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "round.json"
    assert clinic("--only", "wine/raw-features", "--json", str(report)) == 0
    written = json.loads(report.read_text())
    assert [visit["patient"] for visit in written["visits"]] == ["wine/raw-features"]
    assert written["summary"]["ill"]["first"] == 1
    assert clinic("--only", "wine/raw-features", "--json", str(report)) == 0
    assert "1 visits taken" in capsys.readouterr().out
    assert json.loads(report.read_text()) == written


def test_a_visit_that_cannot_be_made_is_told_and_the_round_goes_on() -> None:
    wanted = [Appointment("no/such-patient", 0), Appointment("wine/healthy", 0)]
    first, second = visits(wanted, Round(rules=("/no/such/rules.yaml",)))
    assert "no/such-patient" in first.error
    assert "/no/such/rules.yaml" in second.error


def test_a_visit_that_hangs_is_ended() -> None:
    (visit,) = visits([Appointment("wine/healthy", 0)], Round(budget_s=1e-4))
    assert "no answer" in visit.error


def test_away_from_a_checkout_it_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "expert", tmp_path / "expert")
    program = "import sys; from expert.cli import main; sys.exit(main(['clinic', '--lang', 'en']))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("torchmedic: The clinic's patients are not installed")
    assert len(done.stderr.splitlines()) == 1
