"""Whole scripts, watched as a user would: the right cause at the right line, or silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.probes.watching.running import diagnosis
from tests.probes.watching.scripts import FAULTY, HEALTHY, line_of


@pytest.mark.parametrize("name", FAULTY)
def test_the_fault_of_a_script_comes_first_with_its_line(name: str, tmp_path: Path) -> None:
    script, cause, mark = FAULTY[name]
    for module in ("expert", "probes", "knowledge"):
        (tmp_path / f"{module}.py").write_text("MINE = True\n")
    found = diagnosis(script, tmp_path)
    assert [finding["cause"] for finding in found["findings"]][:1] == [cause]
    lines = [(place["file"], place["line"]) for place in found["findings"][0]["locations"]]
    assert ("train.py", line_of(script, mark)) in lines


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_script_gets_no_finding(name: str, tmp_path: Path) -> None:
    assert diagnosis(HEALTHY[name], tmp_path)["findings"] == []
