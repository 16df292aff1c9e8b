"""What a comparison gives and tells: curves, validation, room in memory, and what it compares."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from probes.running.events import TrialRunning, TrialsStarted
from probes.trials.registry import TRIALS
from probes.trials.run import TrialEvent, run_trials
from tests.probes.fingerprint import differences, fingerprint
from tests.probes.small_cases import digits_case, sgd
from tests.probes.trials import cases

GIB = 1 << 30


def events(case_: object, *trials: str) -> list[TrialEvent]:
    told: list[TrialEvent] = []
    chosen = [TRIALS[name] for name in trials]
    run_trials(case_, chosen, budget_s=60, steps=60, on_event=told.append)  # type: ignore[arg-type]
    return told


def test_both_curves_grow_while_the_trainings_run() -> None:
    told = events(cases.healthy(), "rate-tenth")
    assert isinstance(told[0], TrialsStarted)
    assert told[0].held_out
    running = [event for event in told if isinstance(event, TrialRunning)]
    runs = {(event.id, event.run) for event in running}
    assert runs == {("baseline", 0), ("baseline", 1), ("rate-tenth", 0)}
    for id_, run in runs:
        mine = [event for event in running if (event.id, event.run) == (id_, run)]
        steps = [step for event in mine for step, _ in event.train]
        marks = [step for event in mine for step, _ in event.validation]
        assert steps == list(range(60))
        assert marks == sorted(set(marks))
        assert marks[0] == 0
        assert marks[-1] == 60
    assert all(json.loads(json.dumps(event.to_json(), allow_nan=False)) for event in told)


def test_the_result_has_the_whole_curves_of_both_runs() -> None:
    (result,) = run_trials(cases.healthy(), [TRIALS["rate-tenth"]], budget_s=60, steps=150)
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    for curves in (data["curves"]["treated"], data["curves"]["baseline"]):
        assert 50 <= len(curves["train"]) <= 100
        assert curves["validation"][-1][1] < curves["validation"][0][1]
    treated, baseline = data["curves"]["treated"], data["curves"]["baseline"]
    assert baseline["train"][-1][1] < treated["train"][-1][1]  # a tenth of a good rate is slower
    assert data["val_before"] > data["val_after"] > data["val_baseline"]


def test_a_loss_that_breaks_is_a_gap_in_the_curve() -> None:
    (result,) = run_trials(cases.missing_values(), [TRIALS["finite-inputs"]], budget_s=60, steps=40)
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert None in [loss for _, loss in data["curves"]["baseline"]["train"]]
    assert None not in [loss for _, loss in data["curves"]["treated"]["train"]]


def test_the_same_case_gives_the_same_result_twice() -> None:
    first, second = (
        run_trials(cases.healthy(), [TRIALS["rate-tenth"]], budget_s=60, steps=60)[0]
        for _ in range(2)
    )
    assert replace(first, seconds=0) == replace(second, seconds=0)


def test_a_trial_without_room_for_its_copies_is_refused_and_says_why() -> None:
    case = cases.healthy()
    before = fingerprint(case)
    (result,) = run_trials(case, [TRIALS["rate-tenth"]], budget_s=60, memory=1000)
    assert not result.tried
    assert result.reason is not None
    assert "GiB of memory" in result.reason.en
    assert "GiB" in result.reason.zh
    assert differences(before, fingerprint(case)) == []
    (fits,) = run_trials(case, [TRIALS["rate-tenth"]], budget_s=60, steps=20, memory=GIB)
    assert fits.tried


def test_only_the_change_that_outgrows_the_room_is_refused() -> None:
    case = cases.narrow()
    room = 8 * sum(p.numel() * p.element_size() for p in case.model.parameters())
    slow, wide = run_trials(
        case, [TRIALS["rate-tenth"], TRIALS["wider"]], budget_s=60, steps=20, memory=room
    )
    assert slow.tried
    assert not wide.tried
    assert wide.reason is not None
    assert "memory" in wide.reason.en


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_copies_move_to_the_host_where_the_device_is_small() -> None:
    from probes.case.device import move_case
    from probes.isolation.snapshot import Snapshot
    from probes.trials.memory import held_bytes, room_for

    case = move_case(digits_case(sgd(0.1), torch.nn.Sequential(torch.nn.Linear(64, 10))), "cuda")
    used = torch.cuda.memory_allocated()
    with room_for(case, 3, limit=8 * held_bytes(case)):
        snapshot = Snapshot(case)
    assert torch.cuda.memory_allocated() == used
    weight = case.model[0].weight  # type: ignore[index]
    was = weight.detach().clone()
    weight.data += 1  # type: ignore[operator]
    snapshot.restore()
    assert torch.equal(weight, was)


def test_what_learns_sooner_is_told_where_that_shows() -> None:
    """With Adam a softmax too many costs time, not the end: the numbers are those on the way."""
    case = cases.softmax_quick()
    (result,) = run_trials(case, [TRIALS["softmax-removed"]], budget_s=60, steps=200)
    assert result.improved
    assert result.steps == 50
    assert result.after is not None
    assert result.baseline is not None
    assert result.after > result.baseline + 0.1


def test_a_longer_training_is_compared_with_the_users_own() -> None:
    (result,) = run_trials(cases.one_epoch(), [TRIALS["train-longer"]], budget_s=60)
    assert result.steps == 4 * len(cases.one_epoch().train_loader)


def test_smaller_batches_see_as_many_samples() -> None:
    case = cases.whole_set_at_once()
    (result,) = run_trials(case, [TRIALS["smaller-batches"]], budget_s=60)
    samples = len(case.train_loader.dataset)
    assert result.steps <= 40 * (samples // 32)
    assert result.steps >= 4 * 40


def test_a_network_that_is_no_chain_of_layers_is_left_as_it_is() -> None:
    for trial in ("wider", "deeper", "shallower"):
        (result,) = run_trials(cases.relu_function(), [TRIALS[trial]], budget_s=60, steps=8)
        assert not result.tried
        assert result.reason is not None
        assert "chain of layers" in result.reason.en
