"""What is said, sent and decided while a watched run goes on.

Asked after every step; nearly always the answer is that it is not time yet. A diagnosis so far
is made at once when the loss is not finite or diverges, else now and then, within 2 % of the time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from expert.cli.watch_events import Events, causes
from expert.language import Language, Text

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis
    from expert.knowledge.base import Knowledge
    from expert.observation import Observation
    from probes.watching.trouble import Trouble
    from probes.watching.watcher import Watcher

_SHARE: Final = 0.02  # of the time, for diagnoses so far
_FIRST_S: Final = 2.0
_LINE_EVERY_S: Final = 10.0
_EVENT_EVERY_S: Final = 0.5
_LAYERS: Final = (  # what is told of every layer while the script runs
    "activation.dead_share",
    "activation.saturated_share",
    "gradient.relative",
    "update.ratio",
    "activation.std",
)
_STEPS: Final = 8  # before them nothing is said of the loop
_PASSES: Final = 64  # the same for a loop that makes no updates

_PROGRESS = Text(
    en="torchmedic: step {step}, loss {loss}, {speed} steps/s, {suspicion}",
    zh="torchmedic：第 {step} 步，损失 {loss}，每秒 {speed} 步，{suspicion}",
)
_SUSPICION = Text(en="suspicion: {title} ({certainty:.2f})", zh="怀疑：{title}（{certainty:.2f}）")
_NO_SUSPICION = Text(en="no suspicion", zh="没有怀疑")
_PLACE = Text(en=" ({})", zh="（{}）")
STOPPED: Final = {
    "nonfinite-loss": Text(
        en="torchmedic: stopped after {steps} updates: the loss is not finite{place}.",
        zh="torchmedic：已在 {steps} 次更新后停止：损失不是有限值{place}。",
    ),
    "divergence": Text(
        en="torchmedic: stopped after {steps} updates: the loss diverges{place}.",
        zh="torchmedic：已在 {steps} 次更新后停止：损失发散{place}。",
    ),
    "finding": Text(
        en="torchmedic: stopped after {steps} updates: {title}{place}.",
        zh="torchmedic：已在 {steps} 次更新后停止：{title}{place}。",
    ),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run is stopped: `kind` is a key of `STOPPED`."""

    kind: str
    steps: int
    place: str | None = None
    title: Text | None = None

    def say(self, language: Language) -> str:
        """Return the sentence for the user."""
        place = _PLACE.get(language).format(self.place) if self.place is not None else ""
        title = self.title.get(language) if self.title is not None else ""
        return STOPPED[self.kind].get(language).format(steps=self.steps, place=place, title=title)


class Monitor:
    """Follows a run. `stop(Stop)` is called once, where `stop_on_finding`; it may raise."""

    def __init__(
        self,
        knowledge: Callable[[], Knowledge],
        *,
        language: Language = "en",
        min_certainty: float = 0.5,
        live: TextIO | None = None,
        events: Events | None = None,
        stop: Callable[[Stop], None] | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._language: Language = language
        self._min_certainty = min_certainty
        self._live, self._events, self._stop = live, events or Events([]), stop
        self.stopped: Stop | None = None
        self._began = self._line_at = time.monotonic()
        self._event_at = 0.0
        self._looks = 0
        self._look_at = self._began + _FIRST_S
        self._said: tuple[str, ...] = ()
        self._latest: Diagnosis | None = None
        self._confirmed: frozenset[str] = frozenset()

    @property
    def is_wanted(self) -> bool:
        """Return whether anybody wants to know anything before the end."""
        return self._live is not None or self._stop is not None or bool(self._events)

    def step(
        self,
        watcher: Watcher,
        ours: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Do what is due after a step; raises only what `stop` raises."""
        if self.stopped is not None:
            return
        stop = None
        try:
            stop = self._step(watcher, ours)
        except Exception as error:  # a fault of ours never reaches the script
            watcher.now.guard.broken.setdefault("live", f"{type(error).__name__}: {error}")
            self._live, self._stop, self._events = None, None, Events([])
        if stop is not None and self._stop is not None:
            self.stopped = stop
            self._stop(stop)

    def _step(
        self, watcher: Watcher, ours: Callable[[], AbstractContextManager[None]]
    ) -> Stop | None:
        now = time.monotonic()
        if self._events and now - self._event_at >= _EVENT_EVERY_S:
            self._event_at = now
            self._send_progress(watcher)
        wrong = watcher.trouble() if self._stop is not None else None
        if wrong is not None:
            return self._on_trouble(wrong)
        seen_enough = watcher.now.step >= _STEPS or watcher.now.backwards >= _PASSES
        if now >= self._look_at and seen_enough:
            with ours():
                self._look(watcher)
            spent = time.monotonic() - now if self._looks else 0.0  # the first reads the rules
            self._looks += 1
            self._look_at = now + max(_FIRST_S, spent / _SHARE)
            found = self._on_findings(watcher)
            if found is not None:
                return found
        if self._live is not None and now - self._line_at >= self._gap():
            self._line_at = now
            self._print(watcher)
        return None

    def _gap(self) -> float:
        return _FIRST_S if self._line_at == self._began else _LINE_EVERY_S

    def _on_trouble(self, wrong: Trouble) -> Stop:
        self._events.send("trouble", kind=wrong.kind, step=wrong.step, place=wrong.place)
        return Stop(wrong.kind, wrong.step, wrong.place)

    def _look(self, watcher: Watcher) -> None:
        """Make the diagnosis so far, without what only the end can tell."""
        from probes.watching.facts import observations_so_far

        self._latest = self.diagnose(observations_so_far(watcher, course=False))
        self._send_layers(watcher)
        suspected = causes(self._latest)
        named = tuple(cause["cause"] for cause in suspected)
        if named != self._said:
            self._said = named
            self._events.send("suspicion", step=watcher.now.step, causes=suspected)
            self._line_at = min(self._line_at, time.monotonic() - _LINE_EVERY_S)

    def _send_layers(self, watcher: Watcher) -> None:
        found = self._latest.facts if self._latest is not None else ()
        layers = {
            fact.name: dict(zip(fact.where, fact.to_json()["value"], strict=True))
            for fact in found
            if fact.name in _LAYERS and isinstance(fact.value, tuple)
        }
        if layers:
            self._events.send("layers", step=watcher.now.step, facts=layers)

    def diagnose(self, observations: list[Observation]) -> Diagnosis:
        """Return the diagnosis of `observations`."""
        from expert.inference.diagnose import diagnose

        return diagnose(observations, self._knowledge(), min_certainty=self._min_certainty)

    def _on_findings(self, watcher: Watcher) -> Stop | None:
        """Stop for a finding that two looks in a row have in common."""
        findings = self._latest.findings if self._latest is not None else ()
        before, self._confirmed = self._confirmed, frozenset(f.cause for f in findings)
        lasting = next((f for f in findings if f.cause in before), None)
        if lasting is None:
            return None
        place = lasting.locations[0] if lasting.locations else None
        shown = f"{place.file}:{place.line}" if place is not None else None
        return Stop("finding", watcher.now.step, shown, lasting.title)

    def _send_progress(self, watcher: Watcher) -> None:
        self._events.send(
            "progress",
            step=watcher.now.step,
            loss=_loss(watcher),
            steps_per_second=round(self._speed(watcher), 3),
            watching_seconds=round(watcher.now.guard.seconds, 3),
        )

    def _speed(self, watcher: Watcher) -> float:
        return watcher.now.step / max(time.monotonic() - self._began, 1e-9)

    def _print(self, watcher: Watcher) -> None:
        loss = _loss(watcher)
        latest = self._latest
        named = [*latest.findings, *latest.suspects] if latest is not None else []
        suspicion = _NO_SUSPICION.get(self._language)
        if named:
            suspicion = _SUSPICION.get(self._language).format(
                title=named[0].title.get(self._language), certainty=named[0].certainty
            )
        line = _PROGRESS.get(self._language).format(
            step=watcher.now.step,
            loss="?" if loss is None else f"{loss:.4g}",
            speed=f"{self._speed(watcher):.3g}",
            suspicion=suspicion,
        )
        say(self._live or sys.stderr, line)


def _loss(watcher: Watcher) -> float | None:
    curve = watcher.losses.main()
    return curve.last if curve is not None and curve.count else None


def say(stream: TextIO, line: str) -> None:
    """Print a line where the script may have closed the stream."""
    try:
        print(line, file=stream, flush=True)
    except (OSError, ValueError):
        return
