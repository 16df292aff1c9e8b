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
  and the whole "curves": `{"treated": {"train", "validation"}, "baseline": {...}, "again": {...}}`
  (the untreated case twice: how far chance makes two runs differ), comparable in height where
  "same_loss" is true.
- `{"event": "end"}`, once.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from expert.examination import PROGRAM
from expert.language import Text
from expert.observation import Observation
from expert.trial_shares import LocalVoice, Said, Share, Voice, untried
from expert.tried import Tried

EventListener = Callable[[Mapping[str, Any]], None]
OutputListener = Callable[[str], None]
_TICK: Final = 0.2  # seconds between two looks for an interrupt
_STOPPED: Final = Text("stopped before it was done", "尚未完成就已停止")


def _ignore(told: object) -> None:
    """Nobody listens."""


class Options(TypedDict, total=False):
    """How trials are made; all may be left out."""

    given: Iterable[Observation]  # facts that they may use
    treated: Sequence[str]  # treatments that every run begins with
    budget: float  # seconds (60)
    device: str | None  # the model is moved there first
    jobs: int  # how many processes share the trials, one per GPU where there are several (1)
    on_ray: bool  # these are on a Ray cluster, not on this machine
    memory: int | None  # bytes that copies may take, instead of what is free
    on_event: EventListener
    on_output: OutputListener


def try_fixes(spec: str, trials: Sequence[str], **options: Unpack[Options]) -> Tried:
    """Try treatments on the case that `spec`, "FILE.py:FUNC", describes, in processes of its own.

    A trial that takes its process down is told as failed and the others go on; Ctrl-C ends them all
    and keeps what is known. Raises UsageError, UserCodeError.
    """
    return TrialRun(spec, trials, **options).run()


class TrialRun:
    """Trials that another thread can cancel."""

    def __init__(self, spec: str, trials: Sequence[str], **options: Unpack[Options]) -> None:
        self._trials = list(dict.fromkeys(trials))
        count = max(1, min(options.get("jobs", 1), len(self._trials)))
        self._shares = [Share(n, self._trials[n::count]) for n in range(count)]
        self._on_event = options.get("on_event", _ignore)
        self._on_output = options.get("on_output", _ignore)
        self._queue: queue.Queue[tuple[Share, Said | BaseException | None]] = queue.Queue(1000)
        self._stopped = threading.Event()
        self._announced = False
        self._ray: Any = None
        self._on_ray = options.get("on_ray", False)
        given = [seen.to_json() for seen in options.get("given", ())]
        device, memory = options.get("device"), options.get("memory")
        self._common = [f"--budget={options.get('budget', 60.0):.3f}"]
        self._common += [f"--trials={','.join(self._trials)}"]
        self._common += [f"--treated={','.join(options.get('treated', ()))}"]
        self._common += [f"--given={json.dumps(given)}"]
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
            return Tried({})
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
        return Tried(results, interrupted)
