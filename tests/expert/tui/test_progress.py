"""The state of an examination as its events build it up."""

from __future__ import annotations

import pytest

from expert.language import Text
from expert.observation import Observation
from expert.tui.progress import Progress
from tests.expert.tui.made_up import SICK, START, ended, running


@pytest.fixture
def progress() -> Progress:
    progress = Progress(started=100.0, budget=60.0)
    progress.apply(START, 100.0)
    return progress


def test_probes_are_known_before_they_run(progress: Progress) -> None:
    assert list(progress.probes) == ["data", "activations", "learning_rate", "own_rate"]
    assert progress.fraction() == 0.0


def test_the_work_done_counts_every_probe_by_its_cost(progress: Progress) -> None:
    progress.apply(ended("data"), 101.0)
    progress.apply(running("activations", 0.5), 102.0)
    assert progress.fraction() == pytest.approx(1.5 / 4)


def test_the_time_left_is_estimated_from_the_work_and_never_beyond_the_budget(
    progress: Progress,
) -> None:
    assert progress.seconds_left(101.0) == (59.0, False)
    progress.apply(ended("data"), 110.0)
    assert progress.seconds_left(110.0) == (pytest.approx(30.0), True)
    assert progress.seconds_left(150.0) == (pytest.approx(10.0), True)


def test_progress_never_runs_backwards(progress: Progress) -> None:
    progress.apply(running("data", 0.7), 101.0)
    progress.apply(running("data", 0.2), 102.0)
    assert progress.probes["data"].progress == 0.7
    assert progress.probes["data"].seconds == 1.0


def test_observations_and_reasons_are_kept(progress: Progress) -> None:
    progress.apply(ended("data", SICK[0]), 101.0)
    reason = Text("there is no loss", "没有损失")
    progress.apply(ended("own_rate", status="skipped", reason=reason), 102.0)
    assert progress.observations == [Observation("input.mean_over_std", 3.2, origin="probe:data")]
    assert [(i.id, i.status, i.reason) for i in progress.inquiries()] == [
        ("data", "done", None),
        ("own_rate", "skipped", reason),
    ]


def test_what_was_not_reached_is_marked_when_it_stops(progress: Progress) -> None:
    progress.apply(ended("data"), 101.0)
    progress.apply(running("activations", 0.5), 102.0)
    progress.stop()
    assert [probe.status for probe in progress.probes.values()] == [
        "done",
        "stopped",
        "stopped",
        "stopped",
    ]
