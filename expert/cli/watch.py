"""Watching a part of a program: `with torchmedic.watch() as watching:` in scripts and notebooks."""

from __future__ import annotations

import functools
import io
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from expert.cli.monitor import Monitor, Stop, say
from expert.cli.watch_events import Events, Listener
from expert.errors import TorchmedicError, UsageError
from expert.language import Language, Text, preferred_language

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis
    from expert.knowledge.base import Knowledge
    from expert.observation import Observation
    from probes.watching.watcher import Watcher

HEALTHY = Text(
    en="torchmedic: no fault found in {} steps.",
    zh="torchmedic：观察了 {} 步，没有发现故障。",
)
NO_TRAINING = Text(
    en="torchmedic: no training was seen (no backward pass, no optimizer step).",
    zh="torchmedic：没有看到训练（没有反向传播，也没有优化器更新）。",
)
FAILED = Text(
    en="torchmedic: no diagnosis, through a fault of its own ({}); your script is not affected.",
    zh="torchmedic：由于自身的错误（{}）无法给出诊断；您的脚本不受影响。",
)


class TrainingStopped(Exception):  # noqa: N818 - it says what has happened, and is no error
    """Training was stopped because a finding was certain, as `stop_on_finding=True` asks for."""


class Watch:
    """What is watched between `start` and `stop`, or in a `with` block.

    The observers sit on torch itself: training in any thread of the process is seen. Only one
    watch is active at a time; inside another one, and under `torchmedic run`, a watch shares the
    observers that are there, and its diagnosis is about everything that they have seen.
    """

    def __init__(self, monitor: Monitor, language: Language, *, quiet: bool) -> None:
        self._monitor = monitor
        self._language: Language = language
        self._quiet = quiet
        self._watcher: Watcher | None = None
        self._shared = self._ended = False
        self._diagnosis: Diagnosis | None = None
        self._observations: list[Observation] = []

    def start(self) -> Self:
        """Put the observers on torch."""
        from probes.watching import active
        from probes.watching.watcher import Watcher

        if self._watcher is not None:
            raise UsageError(
                en="This watch has been used: make a new one with torchmedic.watch().",
                zh="该观察对象已使用过：请用 torchmedic.watch() 新建一个。",
            )
        step = self._monitor.step if self._monitor.is_wanted else None
        made = Watcher(on_step=step)
        self._watcher = active.claim(made)
        self._shared = self._watcher is not made
        if not self._shared:
            made.install()
        return self

    def stop(self) -> None:
        """Take the observers away and make the diagnosis; prints it unless `quiet`."""
        from probes.watching import active

        if self._watcher is None or self._ended:
            return
        self._ended = True
        try:
            self._diagnosis = self._now(final=not self._shared)
            if not self._quiet and not self._shared:
                say(sys.stderr, str(self))
        except Exception as fault:  # never the end of somebody's training
            reason = fault.say(self._language) if isinstance(fault, TorchmedicError) else None
            shown = reason or f"{type(fault).__name__}: {fault}"
            say(sys.stderr, FAILED.get(self._language).format(shown))
        finally:
            if not self._shared:
                active.release(self._watcher)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis: so far while the training runs, of the whole of it afterwards."""
        if self._diagnosis is not None:
            return self._diagnosis
        return self._now(final=False)

    @property
    def observations(self) -> list[Observation]:
        """What the last diagnosis was made from."""
        return list(self._observations)

    @property
    def steps(self) -> int:
        """Optimizer steps seen so far."""
        return self._watcher.now.step if self._watcher is not None else 0

    @property
    def stopped(self) -> str | None:
        """Why the training was to be stopped, None while it was not (`stop_on_finding`)."""
        stop = self._monitor.stopped
        return stop.say(self._language) if stop is not None else None

    def _now(self, *, final: bool) -> Diagnosis:
        if self._watcher is None:
            return self._monitor.diagnose([])
        from probes.watching.facts import observations, observations_so_far

        if final:
            self._watcher.finish()
            self._observations = observations(self._watcher)
        else:
            self._observations = observations_so_far(self._watcher, course=self._ended)
        return self._monitor.diagnose(self._observations)

    def __str__(self) -> str:
        """Return the diagnosis as text."""
        from rich.console import Console

        from expert.report.text_report import print_diagnosis

        passes = self._watcher.now.backwards if self._watcher is not None else 0
        if not self.steps and not passes:
            return NO_TRAINING.get(self._language)
        diagnosis = self.diagnosis
        if not diagnosis.findings:
            return HEALTHY.get(self._language).format(self.steps or passes)
        text = io.StringIO()
        print_diagnosis(diagnosis, Console(file=text, width=100, highlight=False), self._language)
        return text.getvalue()


def watch(
    *,
    language: Language | None = None,
    rules: tuple[str, ...] = (),
    min_certainty: float = 0.5,
    stop_on_finding: bool = False,
    live: bool = False,
    quiet: bool = False,
    raises: bool = True,
    on_event: Listener | None = None,
) -> Watch:
    """Return a watch over the training that happens inside `with torchmedic.watch() as watching:`.

    `rules`: files or folders of rules besides the built-in ones. `stop_on_finding`: raise
    `TrainingStopped` in the training loop as soon as the loss is not finite or diverges, or a
    fault is certain. `live`: print the progress and the current suspicion to standard error.
    `raises=False`: with `stop_on_finding`, only set `stopped`, for callers that stop the loop
    themselves. `quiet`: print nothing at the end. `on_event`: called with each event of
    `docs/watching.md`.
    """
    spoken = language or preferred_language()
    monitor = Monitor(
        functools.partial(_knowledge, rules),
        language=spoken,
        min_certainty=min_certainty,
        live=sys.stderr if live else None,
        events=Events([on_event] if on_event is not None else []),
        stop=functools.partial(_stop, spoken, raises) if stop_on_finding else None,
    )
    return Watch(monitor, spoken, quiet=quiet)


def _stop(language: Language, raises: bool, stop: Stop) -> None:
    if raises:
        raise TrainingStopped(stop.say(language))


@functools.lru_cache(maxsize=4)
def _knowledge(rules: tuple[str, ...]) -> Knowledge:
    from expert.knowledge.found import load_found

    return load_found(*rules)
