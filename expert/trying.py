"""The fronts' handle on the processes that try fixes on copies of a case.

Events, as mappings, come to `on_event` in the thread that called `run` (or `try_fixes`):

- `{"event": "trials", "trials": [{"id", "title": {"en", "zh"}}], "device", "held_out"}`, once.
- `{"event": "trial", "id", "status": "running", "progress", "run", "steps", "train",
  "validation"}`: a training is at work, that of the case as it is ("baseline") or a trial's.
  `train` and `validation` hold the points that are new, `[[step, loss], ...]`, loss None where it
  is not finite. The curve begins anew when `run` changes (the baseline runs twice).
- `{"event": "trial", "id", "status": "done", "result"}`: `result` is None for the baseline, else
  what TrialResult.to_json() gives: "improved", "cured", "measure", "before", "after", "baseline",
  "val_before", "val_after", "val_baseline", "goal", "steps", "seconds", "tried", "reason", "also"
  and the whole "curves": `{"treated": {"train", "validation"}, "baseline": {...}}`, comparable in
  height where "same_loss" is true.
- `{"event": "end"}`, once.
"""

from __future__ import annotations

import json
import math
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from expert.diagnosis import Inquiry
from expert.examination import PROGRAM
from expert.inference.next_inquiry import Candidate
from expert.knowledge.base import Knowledge
from expert.language import Text
from expert.observation import Observation
from expert.trial_shares import LocalVoice, Said, Share, Voice, untried

EventListener = Callable[[Mapping[str, Any]], None]
OutputListener = Callable[[str], None]
FACTS: Final = tuple(
    f"trial.{name}"
    for name in ("effect", "improved", "cured", "measure", "before", "after", "baseline", "steps")
)
#: Facts of an earlier examination that trials need.
USES: Final[Mapping[str, tuple[str, ...]]] = {
    "suggested-rate": ("sweep.suggested_rate",),
    "without-clipping-lower-rate": ("loop.lower_rate",),
}
STEPS: Final = 200.0  # training steps that a trial costs
_SCALARS: Final = ("before", "after", "baseline")
_LEAST_EFFECT: Final = 0.01  # of a trial that improved the loss alone
_TICK: Final = 0.2  # seconds between two looks for an interrupt
_STOPPED: Final = Text("stopped before it was done", "尚未完成就已停止")


@dataclass(frozen=True, slots=True)
class Tried:
    """What trials have shown: the result of each as it was told, by id.

    `interrupted`: they were stopped early (Ctrl-C, `cancel`); this is what was known by then.
    """

    results: Mapping[str, Mapping[str, Any]]
    inquiries: tuple[Inquiry, ...]
    interrupted: bool = False

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The trial that helped most, of equals the first; None when none did."""
        helped = [result for result in self.results.values() if result["improved"]]
        return max(helped, key=_merit, default=None)

    @property
    def first(self) -> str | None:
        """The first that was tried; None when none was."""
        return next((id_ for id_, result in self.results.items() if result["tried"]), None)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The results as facts for a diagnosis, one value per trial; those refused are left out."""
        done = [result for result in self.results.values() if result["tried"]]
        where = tuple(result["id"] for result in done)
        if not done:
            return ()
        columns: dict[str, tuple[Any, ...]] = {
            "effect": tuple(_effect(result) for result in done),
            **{name: tuple(r[name] for r in done) for name in ("improved", "cured")},
            "measure": tuple(_measure(result) for result in done),
            "steps": tuple(result["steps"] for result in done),
            **{name: tuple(_number(r[name]) for r in done) for name in _SCALARS},
        }
        return tuple(
            Observation(f"trial.{name}", values, where, "trial:comparison")
            for name, values in columns.items()
        )


def _merit(result: Mapping[str, Any]) -> tuple[bool, float, float]:
    """Return what trials are ordered by: tenths, for less is no difference between two cures."""
    return bool(result["cured"]), round(result["score"], 1), round(result["gain"], 1)


def _measure(result: Mapping[str, Any]) -> str:
    """Return the measure, with the data it is taken on: "loss", "validation-loss"."""
    prefix = "validation-" if result.get("goal") == "validation" else ""
    return f"{prefix}{result['measure']}"


def _effect(result: Mapping[str, Any]) -> float:
    return max(float(result["gain"]), _LEAST_EFFECT) if result["improved"] else 0.0


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def candidates(knowledge: Knowledge, made: Iterable[str] = ()) -> tuple[Candidate, ...]:
    """Return the trials that could still be made as inquiries, for the choice of the next one.

    `made`: ids of those that were. The first trial pays for the two runs it is compared with.
    """
    done = set(made)
    named = dict.fromkeys(
        fix.trial for cause in knowledge.causes.values() for fix in cause.fixes if fix.trial
    )
    cost = STEPS if done else 3 * STEPS
    return tuple(
        Candidate(id_, "trial", cost, FACTS, after=_probes_for(knowledge, USES.get(id_, ())))
        for id_ in named
        if id_ not in done
    )


def _probes_for(knowledge: Knowledge, facts: Iterable[str]) -> tuple[str, ...]:
    """Return the probes that give these facts."""
    known = (knowledge.facts[name].inquiry for name in facts if name in knowledge.facts)
    return tuple(dict.fromkeys(id_.partition(":")[2] for id_ in known))


def try_fixes(
    spec: str,
    trials: Sequence[str],
    *,
    given: Iterable[Observation] = (),
    treated: Sequence[str] = (),
    budget: float = 60.0,
    device: str | None = None,
    jobs: int = 1,
    on_ray: bool = False,
    memory: int | None = None,
    on_event: EventListener = lambda event: None,
    on_output: OutputListener = lambda text: None,
) -> Tried:
    """Try treatments on the case that `spec`, "FILE.py:FUNC", describes, in processes of its own.

    `given`: facts that they may use; `treated`: treatments that every run begins with. `jobs`: how
    many processes share the trials (one per GPU where there are several), on this machine or, with
    `on_ray`, on a Ray cluster. `memory`: bytes that copies may take, instead of what is free. A
    trial that takes its process down is told as failed and the others go on; Ctrl-C ends them all
    and keeps what is known. Raises UsageError, UserCodeError.
    """
    run = TrialRun(
        spec,
        trials,
        given=given,
        treated=treated,
        budget=budget,
        device=device,
        jobs=jobs,
        on_ray=on_ray,
        memory=memory,
        on_event=on_event,
        on_output=on_output,
    )
    return run.run()


class TrialRun:
    """Trials that another thread can cancel; the arguments are those of `try_fixes`."""

    def __init__(
        self,
        spec: str,
        trials: Sequence[str],
        *,
        given: Iterable[Observation] = (),
        treated: Sequence[str] = (),
        budget: float = 60.0,
        device: str | None = None,
        jobs: int = 1,
        on_ray: bool = False,
        memory: int | None = None,
        on_event: EventListener = lambda event: None,
        on_output: OutputListener = lambda text: None,
    ) -> None:
        self._trials = list(dict.fromkeys(trials))
        count = max(1, min(jobs, len(self._trials)))
        self._shares = [Share(n, self._trials[n::count]) for n in range(count)]
        self._on_event, self._on_output = on_event, on_output
        self._queue: queue.Queue[tuple[Share, Said | BaseException | None]] = queue.Queue(1000)
        self._stopped = threading.Event()
        self._announced = False
        self._ray: Any = None
        self._on_ray = on_ray
        self._common = [f"--budget={budget:.3f}", f"--trials={','.join(self._trials)}"]
        self._common += [f"--treated={','.join(treated)}"]
        self._common += [f"--given={json.dumps([seen.to_json() for seen in given])}"]
        self._common += [] if device is None else [f"--device={device}"]
        self._common += [] if memory is None else [f"--memory={memory}"]
        self._spec = spec

    def cancel(self) -> None:
        """End the trials now; `run` returns what is known so far. Safe from any thread."""
        self._stopped.set()
        for share in self._shares:
            if share.voice is not None:
                share.voice.end()

    def run(self) -> Tried:
        """Make the trials; the callbacks are called in this thread."""
        if not self._trials:
            return Tried({}, ())
        if self._on_ray:
            from expert.on_ray import connect

            self._ray = connect()
        threads = [
            threading.Thread(target=self._work, args=(share,), daemon=True)
            for share in self._shares
        ]
        for thread in threads:
            thread.start()
        interrupted = False
        try:
            self._listen(len(threads))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            self.cancel() if interrupted or sys.exc_info()[0] else None
        interrupted = interrupted or self._stopped.is_set()
        if not interrupted:
            self._on_event({"event": "end"})
        return self._tried(interrupted)

    def _listen(self, working: int) -> None:
        while working:
            try:
                share, said = self._queue.get(timeout=_TICK)
            except queue.Empty:
                continue
            if said is None:
                working -= 1
            elif isinstance(said, BaseException):
                raise said
            else:
                self._tell(share, *said)

    def _work(self, share: Share) -> None:
        try:
            share.run(self._start, lambda *said: self._queue.put(said), self._stopped.is_set)
        except BaseException as error:
            if not self._stopped.is_set():
                self._queue.put((share, error))
        self._queue.put((share, None))

    def _start(self, share: Share) -> Voice:
        jobs = 1 if self._ray is not None else len(self._shares)
        arguments = [*self._common, f"--share={','.join(share.waiting)}"]
        arguments += [f"--worker={share.worker}", f"--jobs={jobs}", "--", self._spec]
        if self._ray is not None:
            from expert.on_ray import RayVoice

            return RayVoice(self._ray, arguments)
        return LocalVoice([sys.executable, str(PROGRAM), *arguments])

    def _tell(self, share: Share, channel: str, text: str) -> None:
        if channel == "output":
            self._on_output(text)
            return
        try:
            event = json.loads(text)
        except ValueError:  # not ours: someone wrote to the channel
            self._on_output(text)
            return
        kind = event.get("event")
        if kind == "trials":
            if self._announced:
                return
            self._announced = True
        elif kind == "end" or (event.get("id") == "baseline" and share.worker):
            return  # every process has its own baseline: the first one's is shown
        self._on_event(event)

    def _tried(self, interrupted: bool) -> Tried:
        found = {id_: result for share in self._shares for id_, result in share.results.items()}
        stopped = (id_ for id_ in self._trials if id_ not in found)
        found |= {id_: untried(id_, _STOPPED) for id_ in stopped}
        results = {id_: found[id_] for id_ in self._trials}
        return Tried(results, tuple(map(_inquiry, results.values())), interrupted)


def _inquiry(result: Mapping[str, Any]) -> Inquiry:
    reason = result.get("reason")
    return Inquiry(
        id=result["id"],
        kind="trial",
        status="done" if result["tried"] else "skipped",
        seconds=result.get("seconds", 0.0),
        steps=result["steps"],
        reason=None if reason is None else Text.from_json(reason),
    )
