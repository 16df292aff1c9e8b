"""How closely steps are looked at: dense at first, then within a share of the run's time."""

from __future__ import annotations

import pytest

from probes.watching import schedule
from probes.watching.frames import Lines
from probes.watching.now import Now
from probes.watching.schedule import AWAKE_AT_FIRST, DENSE, MOST_NAPS, Schedule

_SHARE = 0.02


class Run:
    """A run whose clock is ours; `close` and `awake`: seconds that observing takes in a step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, budget: float | None) -> None:
        self.clock = 0.0
        monkeypatch.setattr(schedule.time, "perf_counter", lambda: self.clock)
        self.now = Now(Lines(None), Schedule(budget))
        self.on_close = self.on_others = 0.0
        self.kinds: list[str] = []

    def train(
        self, steps: int, step_s: float, close: float, awake: float, optimizers: int = 1
    ) -> None:
        now = self.now
        for _ in range(steps):
            self.clock += step_s
            kind = "asleep" if now.asleep else "close" if now.close else "awake"
            self.kinds.append(kind)
            now.step += 1
            if now.asleep:
                now.nap()
                continue
            spent = close if now.close else awake
            now.guard.seconds += spent
            self.clock += spent
            if now.close and now.step > DENSE:
                self.on_close += spent
            elif not now.close:
                self.on_others += spent
            now.next(optimizers)


@pytest.mark.parametrize("step_s", [0.0005, 0.001, 0.01, 0.2])
@pytest.mark.parametrize(("close", "awake"), [(0.002, 0.0001), (0.05, 0.00001), (0.001, 0.0004)])
def test_both_kinds_of_looking_keep_to_their_share(
    step_s: float, close: float, awake: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, _SHARE)
    run.train(4_000, step_s, close, awake)
    assert run.on_close <= _SHARE * run.clock + close
    most = max(_SHARE * run.clock, AWAKE_AT_FIRST * awake + 4_000 / (MOST_NAPS + 1) * awake)
    assert run.on_others <= most + 2 * awake


def test_the_first_steps_are_close_and_none_of_the_first_hundreds_is_slept_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, _SHARE)
    run.train(1000, 0.001, 0.01, 0.01)
    assert run.kinds[:DENSE] == ["close"] * DENSE
    assert "asleep" not in run.kinds[:AWAKE_AT_FIRST]
    assert "asleep" in run.kinds


def test_nothing_is_slept_through_where_looking_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, _SHARE)
    run.train(2000, 0.02, 0.01, 0.0001)
    assert "asleep" not in run.kinds


@pytest.mark.parametrize("optimizers", [2, 3])
def test_every_optimizer_of_several_in_turn_is_seen_awake(
    optimizers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(monkeypatch, _SHARE)
    run.train(3000, 0.001, 0.01, 0.0005, optimizers)
    late = enumerate(run.kinds[AWAKE_AT_FIRST:])
    assert {at % optimizers for at, kind in late if kind == "awake"} == set(range(optimizers))


def test_ranks_look_at_the_same_steps_whatever_looking_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, slow = Run(monkeypatch, None), Run(monkeypatch, None)
    quick.train(1000, 0.001, 0.0, 0.0)
    slow.train(1000, 0.001, 0.5, 0.5)
    assert quick.kinds == slow.kinds
    assert "asleep" not in slow.kinds
