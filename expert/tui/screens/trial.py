"""Try a fix on a copy: both losses grow while it trains, then the verdict and the re-check."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from expert.diagnosis import Finding, Remedy
from expert.language import Language, Text
from expert.template import number
from expert.tui.examining import RunningTrials
from expert.tui.phrases import bar, lines, plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.curves import AGAIN, TRIAL, Curve, append, thinned
from expert.tui.sessions.session import Session
from expert.tui.texts import trial as texts
from expert.tui.texts.diagnosis import STEP
from expert.tui.widgets.curve_view import CurveView
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import Row, row, wrapped

BASELINE = "baseline"
_FRAME = 0.1  # seconds
_BAR = 10

State = Literal["", "running", "done", "stopped"]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A fix that can be tried."""

    trial: str
    cause: Text
    fix: Remedy


def trials_of(findings: Iterable[Finding]) -> list[Proposed]:
    """Return the fixes of `findings` that can be tried, each trial once."""
    found: dict[str, Proposed] = {}
    for finding in findings:
        for fix in finding.fixes:
            if fix.trial is not None:
                found.setdefault(fix.trial, Proposed(fix.trial, finding.title, fix))
    return list(found.values())


def curve_name(trial: str) -> str:
    """Return under which name the session keeps the loss of a trial."""
    return f"{TRIAL}{trial}"


class FixList(OptionList):
    """The fixes that can be tried, with what trying them showed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Try it"), *VI_KEYS]


class TrialScreen(TalkingScreen[None]):
    """Watch a fix at work on a copy."""

    NAME = texts.TRYING
    EXPLANATION = texts.TRIAL_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "recheck", "Re-check", id="re-check"),
        Binding("y", "copy", "Copy fix", id="copy"),
        Binding("s", "stop", "Stop", id="stop"),
        Binding("escape", "leave", "Back", id="back"),
    ]
    AUTO_FOCUS = "FixList"

    class Happened(Message):
        """The process told of an event."""

        def __init__(self, run: int, event: Mapping[str, Any]) -> None:
            super().__init__()
            self.run = run
            self.event = event

    class Ended(Message):
        """The trial is over."""

        def __init__(
            self, run: int, results: Mapping[str, Mapping[str, Any]], error: Exception | None
        ) -> None:
            super().__init__()
            self.run = run
            self.results = results
            self.error = error

    def __init__(self, session: Session, proposed: list[Proposed]) -> None:
        super().__init__()
        self.session = session
        self._proposed = proposed
        self._shown = 0  # which of them the chart is about
        self._state: State = ""
        self._progress: dict[str, float] = {}
        self._process: RunningTrials | None = None
        self._run = 0  # events of an earlier run are not ours
        self._stale = False  # whether the chart lags behind
        self._runs: dict[str, int] = {}  # which training of each the curve shows

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Container(id="trial"):
            yield FixList(id="fixes", classes="panel", markup=False)
            with VerticalScroll(id="trial-side", classes="panel", can_focus=False):
                yield Prose(id="trial-state")
                yield Prose(id="verdict")
                yield CurveView(id="trial-chart")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the first fix that was not tried yet."""
        self.set_interval(_FRAME, self._redraw)
        if self._proposed:
            untried = (i for i, p in enumerate(self._proposed) if p.trial not in self._results)
            self._begin(next(untried, 0))

    def _redraw(self) -> None:
        """Draw what came since the last time; points come faster than anybody can see."""
        if self._stale:
            self._stale = False
            self._tell(self.medic.language)

    def on_resize(self) -> None:
        """Wrap the list at the new width."""
        self.call_after_refresh(lambda: self.speak(self.medic.language))

    def on_unmount(self) -> None:
        """End the process, however the screen is left."""
        self._cancel()

    @property
    def _results(self) -> Mapping[str, Mapping[str, Any]]:
        return self.session.trials

    @property
    def _present(self) -> Proposed | None:
        return self._proposed[self._shown] if self._proposed else None

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.session.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title, step="cure")
        list_ = self.query_one(FixList)
        list_.border_title = Content(texts.FIXES.get(language))
        before, width = list_.highlighted, max(list_.scrollable_content_region.width - 2, 20)
        list_.clear_options()
        list_.add_options([Option(self._entry(p, language, width)) for p in self._proposed])
        list_.highlighted = before if before is not None else self._shown
        self._tell(language)

    def _entry(self, proposed: Proposed, language: Language, width: int) -> Content:
        sign, style = _sign(self._results.get(proposed.trial))
        if self._state == "running" and proposed is self._present:
            sign, style = "▸", "bold $accent"
        title = plain(proposed.fix.title.get(language))
        cause = Content.styled(plain(proposed.cause.get(language)), "$foreground 60%")
        head = Content.assemble((f"{sign} ", style), (title, "bold"))
        return lines([*wrapped(head, width, 2), *wrapped(Content("  ") + cause, width, 2)])

    def _tell(self, language: Language) -> None:
        proposed = self._present
        side, verdict = self.query_one("#trial-side"), self.query_one("#verdict", Prose)
        state = self.query_one("#trial-state", Prose)
        if proposed is None:
            state.show([row(texts.NOTHING.get(language))])
            return
        side.border_title = Content(plain(proposed.fix.title.get(language)))
        rows = self._state_rows(language)
        state.display = bool(rows)
        state.show(rows)
        self._draw(language)
        result = self._results.get(proposed.trial)
        finished = self._state != "running" and result is not None
        verdict.show(_verdict(result, language) if finished and result is not None else [])

    def _state_rows(self, language: Language) -> list[Row]:
        if self._state == "stopped":
            return [row(Content.styled(texts.STOPPED.get(language), "$foreground 60%"))]
        if self._state != "running" or self._present is None:
            return []
        if not self._progress:
            return [row(Content.styled(texts.STARTING.get(language), "$foreground 60%"))]
        rows = []
        for id_, text in ((BASELINE, texts.AS_IT_IS), (self._present.trial, texts.WITH_FIX)):
            share = self._progress.get(id_, 0.0)
            rows.append(
                row(Content.assemble(bar(share, _BAR, "$accent"), f" {text.get(language)}"))
            )
        return rows

    def _draw(self, language: Language) -> None:
        if self._present is None:
            return
        curves = self.session.curves
        view = self.query_one(CurveView)
        pairs = (
            (texts.WITH_FIX, curve_name(self._present.trial), "$success"),
            (texts.AS_IT_IS, curve_name(BASELINE), "$error"),
        )
        drawn = [(t.get(language), curves.get(name, []), style) for t, name, style in pairs]
        again = curves.get(AGAIN)
        band = (curves[curve_name(BASELINE)], again) if again else None
        x_name = texts.STEP_AND_BAND if band else STEP
        view.show(drawn, x_name.get(language), band)

    # ---------------------------------------------------------------------------- running
    def _begin(self, index: int) -> None:
        services, self._shown = self.medic.services, index
        proposed = self._present
        if services.try_fixes is None or proposed is None:
            return
        self._cancel()
        self._run += 1
        run = self._run
        self._state, self._progress, self._runs = "running", {}, {}
        for name in (curve_name(BASELINE), AGAIN, curve_name(proposed.trial)):
            self.session.curves.pop(name, None)
        self._process = services.try_fixes(
            self.session.subject.spec,
            [proposed.trial],
            given=self.session.measured,
            treated=self.session.treated,
            on_event=lambda event: self._post(self.Happened(run, event)),
            on_output=lambda text: None,
        )
        self._work(self._process, run)
        self.speak(self.medic.language)
        self.refresh_bindings()

    def _post(self, message: Message) -> None:
        self.post_message(message)

    @work(thread=True, exit_on_error=False, group="trial")
    def _work(self, process: RunningTrials, run: int) -> None:
        try:
            self.post_message(self.Ended(run, process.run().results, None))
        except Exception as error:
            self.post_message(self.Ended(run, {}, error))

    @on(Happened)
    def _happened(self, message: Happened) -> None:
        event = message.event
        if message.run != self._run or event.get("event") != "trial":
            return
        id_ = str(event.get("id"))
        if event.get("status") == "done":
            self._progress[id_] = 1.0
        else:
            self._grow(id_, event)
        self._stale = True

    def _grow(self, id_: str, event: Mapping[str, Any]) -> None:
        """Add the new points; a training that begins anew gets a new curve."""
        self._progress[id_] = float(event.get("progress") or 0.0)
        run = int(event.get("run") or 0)
        name = AGAIN if id_ == BASELINE and run > 0 else curve_name(id_)
        if self._runs.get(name) != run:
            self._runs[name] = run
            self.session.curves[name] = []
        for point in points(event.get("train")):
            append(self.session.curves[name], point)

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if message.run != self._run or self not in self.app.screen_stack:
            return
        self._process = None
        if message.error is not None and self._state == "running":
            self._state = "stopped"
            self.medic.explain_here(message.error, self.session.subject)
        elif self._state == "running":
            self._state = "done"
        for id_, result in message.results.items():
            self._take(id_, result)
        if message.results:
            self.medic.save(self.session)
        self.speak(self.medic.language)
        self.refresh_bindings()

    def _take(self, id_: str, result: Mapping[str, Any]) -> None:
        """Keep a result; its curves are kept with the others of the session."""
        if self._state == "stopped" and not result.get("tried"):
            return
        curves = result.get("curves") or {}
        kept = ((curve_name(id_), "treated"), (curve_name(BASELINE), "baseline"), (AGAIN, "again"))
        for name, part in kept:
            found = points((curves.get(part) or {}).get("train"))
            if found:
                self.session.curves[name] = thinned(found)
        self.session.trials[id_] = {k: v for k, v in result.items() if k != "curves"}

    # --------------------------------------------------------------------------- actions
    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if self._state != "running" or event.option_index != self._shown:
            self._begin(event.option_index)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if self._state != "running" and event.option_index != self._shown:
            self._shown, self._state = event.option_index, "done"
            self._tell(self.medic.language)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what makes no sense now."""
        if action == "stop":
            return True if self._state == "running" else None
        if action == "recheck":
            result = self._results.get(self._present.trial) if self._present else None
            helped = result is not None and bool(result.get("improved") or result.get("cured"))
            return True if helped and self._state != "running" else None
        return True

    def action_recheck(self) -> None:
        """Examine the treated copy from top to bottom, to be compared with the session."""
        if self._present is None:
            return
        also = self._results.get(self._present.trial, {}).get("also") or ()
        treated = (*self.session.treated, self._present.trial, *also)
        self.medic.save(self.session)
        self.medic.resume(self.session.successor(tuple(dict.fromkeys(treated))))

    def action_copy(self) -> None:
        """Copy the code of the fix."""
        self.medic.copy(self._present.fix.code if self._present else None)

    def action_stop(self) -> None:
        """End the trial here."""
        if self._state == "running":
            self._state = "stopped"
            self._cancel()
            self.speak(self.medic.language)

    def action_leave(self) -> None:
        """Go back to the diagnosis, which takes in what was seen."""
        self._cancel()
        self.medic.save(self.session)
        self.medic.show_diagnosis(self.session)

    def _cancel(self) -> None:
        if self._process is not None:
            self._process.cancel()
            self._process = None


def _sign(result: Mapping[str, Any] | None) -> tuple[str, str]:
    if result is None:
        return "·", "$foreground 60%"
    if not result.get("tried", True):
        return "–", "$foreground 60%"
    if result.get("cured"):
        return "✓", "bold $success"
    return ("↑", "$success") if result.get("improved") else ("✗", "$error")


def _verdict(result: Mapping[str, Any], language: Language) -> list[Row]:
    """Return what the trial showed, and what to do next."""
    if not result.get("tried", True):
        why = Text.from_json(result["reason"]).get(language) if result.get("reason") else ""
        return [row(Content.styled("– " + texts.NOT_TRIED.get(language).format(why=plain(why))))]
    helped = bool(result.get("improved"))
    text = texts.CURED if result.get("cured") else texts.HELPED if helped else texts.FAILED
    sign, style = _sign(result)
    measure = texts.MEASURES.get(str(result.get("measure")), texts.MEASURES["loss"])
    numbers = texts.NUMBERS.get(language).format(
        steps=result.get("steps"),
        measure=measure.get(language),
        **{name: number(_float(result.get(name))) for name in ("before", "after", "baseline")},
    )
    advice = texts.NEXT_CURED if helped else texts.NEXT_OTHER
    told = Content.assemble((f"{sign} {text.get(language)}", f"bold {style}"), "  ", numbers)
    return [row(told), row(Content.styled(advice.get(language), "$foreground 60%"))]


def points(told: Any) -> Curve:
    """Return the points of an event: [[step, loss], ...], None for a loss that is not finite."""
    return [(float(step), _float(loss)) for step, loss in told or ()]


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
