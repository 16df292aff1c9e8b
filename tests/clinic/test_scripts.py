"""The clinic's promise for whole scripts, run as a user runs them."""

from __future__ import annotations

import pytest

from expert.cli import main

from .scripts.patients import scripts
from .scripts.running import watch_all


def test_there_are_thirty_faulty_and_fifteen_healthy_scripts_of_all_styles() -> None:
    known = scripts()
    assert sum(script.cause is not None for script in known) >= 30
    assert sum(script.cause is None for script in known) >= 15
    assert {"lightning", "transformers", "accelerate"} <= {script.needs for script in known}
    assert len({script.name for script in known}) == len(known)


def test_scripts_are_listed_and_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clinic", "--scripts", "--list", "--only", "lbfgs"]) == 0
    assert capsys.readouterr().out.split() == [
        "faulty/lbfgs_closure_without_zeroing",
        "missing-zero-grad",
    ]
    assert main(["clinic", "--scripts", "--list", "--only", "no such"]) == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_faults_of_scripts_are_found_at_their_lines_and_the_healthy_are_left_alone() -> None:
    wanted = [script for script in scripts() if script.can_run]
    done = list(watch_all([s for s in wanted if not s.name.startswith("loop/")], jobs=2))
    outcomes = {one.script.name: (one.scored.outcome, one.scored.visit.error) for one in done}
    wrong = {n: said for n, said in outcomes.items() if said[0] not in ("first", "in 3", "silent")}
    assert wrong == {}
    assert [one.script.name for one in done if one.is_placed is False] == []
