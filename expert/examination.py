"""The fronts' handle on the process that examines a case: start it, listen to it, end it.

The user's code runs there; its crash, its printing and its hunger for memory stay there. A probe
that takes the process down is reported as failed and the others are run in a new one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict, Unpack

from expert.agenda import Agenda
from expert.asking import Answered, facts_told
from expert.child_process import ChildProcess
from expert.errors import UserCodeError
from expert.examined import Examined, Progress, death_of, raise_error, silence_of
from expert.knowledge.base import Knowledge
from expert.observation import Observation
from expert.tried import Tried

PROGRAM: Final = Path(__file__).resolve().parent.parent / "probes" / "__main__.py"
_MAX_RESTARTS: Final = 3
_PATIENCE: Final = 120.0  # seconds without a sign of life from a probe, at least

EventListener = Callable[[Mapping[str, Any]], None]
OutputListener = Callable[[str], None]


class Answers(Protocol):
    """A person at a terminal."""

    def ask(self, question: str, known: Sequence[Observation]) -> Answered | None:
        """Return the answer to the question of this id; None: no more questions, please."""


#: Makes trials with the facts that they may use, within so many seconds.
TryFixes = Callable[[Sequence[str], Sequence[Observation], float], Tried]


def _ignore(told: object) -> None:
    """Nobody listens."""


class Options(TypedDict, total=False):
    """How a case is examined; all may be left out."""

    budget: float  # seconds (60); a person's time does not count
    device: str | None  # the model is moved there first
    only: Iterable[str]  # these probes alone
    treated: Iterable[str]  # trials whose treatments are applied first
    given: Iterable[Observation]  # what those need to know
    knowledge: Knowledge | None  # by it each next inquiry is chosen, and what is not worth its cost
    # left out; without, all probes are run in their fixed order
    person: Answers | None  # may be asked, where `knowledge` chooses
    try_fixes: TryFixes | None  # makes trials, where `knowledge` chooses
    on_event: EventListener  # gets every event as it comes
    on_output: OutputListener  # gets what the user's code prints


def examine(spec: str, **options: Unpack[Options]) -> Examined:
    """Examine the case that `spec`, "FILE.py:FUNC", describes, in a process of its own.

    Raises UsageError, or UserCodeError with the user's traceback.
    """
    return ExaminationProcess(spec, **options).run()


class ExaminationProcess:
    """An examination that another thread can cancel."""

    def __init__(self, spec: str, **options: Unpack[Options]) -> None:
        self._spec = spec
        self._budget = options.get("budget", 60.0)
        self._device = options.get("device")
        self._only = tuple(options.get("only", ()))
        self._treated = tuple(options.get("treated", ()))
        given = options.get("given", ()) if self._treated else ()
        self._given = [seen.to_json() for seen in given]
        self._knowledge = options.get("knowledge")
        self._person = options.get("person")
        self._try_fixes = options.get("try_fixes")
        self._agenda: Agenda | None = None
        self._on_event = options.get("on_event", _ignore)
        self._on_output = options.get("on_output", _ignore)
        self._child: ChildProcess | None = None
        self._end = 0.0
        self._waited = 0.0  # seconds for a person, not yet told to the child
        self._cancelled = False
        self._skipping = False

    def cancel(self) -> None:
        """End the examination now; `run` returns what it has so far. Safe from any thread."""
        self._cancelled = True
        child = self._child
        if child is not None:
            child.kill()

    def skip(self) -> None:
        """Give up the probe at work; the others go on in a new process. Safe from any thread."""
        self._skipping = True
        child = self._child
        if child is not None:
            child.kill()

    def run(self) -> Examined:
        """Run to the end; the callbacks are called in this thread."""
        progress = Progress()
        self._end = time.monotonic() + self._budget
        while not (progress.ended or self._cancelled):
            self._run_child(progress, max(self._end - time.monotonic(), 1.0))
        return progress.result(cancelled=self._cancelled)

    def _run_child(self, progress: Progress, budget: float) -> None:
        child = ChildProcess(self._command(progress, budget))
        self._child = child
        try:
            if self._cancelled:  # between two processes
                return
            for channel, text in child.listen():
                if channel == "event":
                    self._take(progress, text, child)
                elif channel == "output":
                    progress.tail.append(text)
                    self._on_output(text)
                elif progress.is_silent_for(max(_PATIENCE, 2 * self._budget)):
                    progress.silent = True
                    child.kill()
                if progress.ended:
                    break
        finally:
            child.end()
            self._child = None
        if not (progress.ended or self._cancelled):
            self._after_death(progress, child.status)

    def _command(self, progress: Progress, budget: float) -> list[str]:
        command = [sys.executable, str(PROGRAM), f"--budget={budget:.3f}"]
        if self._device is not None:
            command.append(f"--device={self._device}")
        only = progress.remaining() or self._only
        if only:
            command.append(f"--only={','.join(only)}")
        if self._treated:
            command.append(f"--treated={','.join(self._treated)}")
            command.append(f"--given={json.dumps(self._given)}")
        if self._knowledge is not None:
            command.append("--asking")
        return [*command, "--", self._spec]

    def _take(self, progress: Progress, line: str, child: ChildProcess) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # not ours: someone wrote to the channel
            self._on_output(line)
            return
        if event["event"] == "error":
            raise_error(event)
        if event["event"] == "next":
            child.tell(self._next(progress))
        elif progress.take(event):
            self._pass_on(event)

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        """Tell an event to whoever listens, and keep the agenda up to date."""
        self._on_event(event)
        if self._knowledge is None:
            return
        if event["event"] == "start":
            asks, tries = self._person is not None, self._try_fixes is not None
            self._agenda = Agenda(self._knowledge, event["probes"], asks=asks, tries=tries)
        elif event["event"] == "probe" and event["status"] != "running" and self._agenda:
            seen = [Observation.from_json(entry) for entry in event["observations"]]
            seconds, steps = event["seconds"], event["steps"]
            self._agenda.learn_probe(event["id"], seen, seconds=seconds, steps=steps)

    def _next(self, progress: Progress) -> str:
        """Return what the child is told: the probe to run next, or an empty line for none.

        Questions and trials that come first are seen to here; what is left out is told.
        """
        if self._agenda is None:
            return ""
        while (wanted := self._agenda.next()) is not None:
            if wanted.kind == "probe":
                waited, self._waited = self._waited, 0.0
                return f"{wanted.ids[0]} {waited:.3f}"
            if wanted.kind == "question":
                self._ask(wanted.ids[0], self._agenda, progress)
            else:
                self._try(wanted.ids, self._agenda, progress)
        for probe, reason in self._agenda.left_out().items():
            self._on_event(progress.leave_out(probe, reason))
        return ""

    def _ask(self, question: str, agenda: Agenda, progress: Progress) -> None:
        assert self._person is not None
        assert self._knowledge is not None
        began = time.monotonic()
        answered = self._person.ask(question, tuple(progress.observations.values()))
        waited = time.monotonic() - began
        self._end += waited
        self._waited += waited
        if answered is None:
            agenda.ask_no_more()
            return
        told = facts_told(self._knowledge.questions[question], answered.choice)
        agenda.learn_answer(question, told)
        for fact in told:
            progress.observations.setdefault(fact.name, fact)
        progress.note(answered.inquiry)

    def _try(self, trials: Sequence[str], agenda: Agenda, progress: Progress) -> None:
        assert self._try_fixes is not None
        given = tuple(progress.observations.values())
        tried = self._try_fixes(trials, given, max(self._end - time.monotonic(), 1.0))
        if tried.interrupted:
            raise KeyboardInterrupt
        progress.tried |= tried.results
        shown = Tried(progress.tried).observations
        agenda.learn_trials(trials, shown)
        progress.observations |= {fact.name: fact for fact in shown}
        for inquiry in tried.inquiries:
            progress.note(inquiry)

    def _after_death(self, progress: Progress, status: int) -> None:
        """Blame the probe that was running and let the others go on, or give up."""
        why = silence_of(progress) if progress.silent else death_of(status)
        culprit = progress.running
        if self._skipping:
            self._skipping = False
            if culprit is not None:
                self._pass_on(progress.give_up(culprit))
            return
        if culprit is None or progress.deaths >= _MAX_RESTARTS:
            raise UserCodeError(
                en=f"The process that ran your code {why.en}.",
                zh=f"运行您代码的进程{why.zh}。",
                traceback=progress.tail_text(),
            )
        self._pass_on(progress.blame(culprit, why))
