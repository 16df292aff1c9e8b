"""The live view: the loss of a running script, the present suspicion, what it prints."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar, Literal

from rich.text import Text as RichText
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, RichLog, Static

from expert.errors import UsageError, UserCodeError
from expert.language import Language, Text
from expert.observation import Observation
from expert.template import number
from expert.tui import strings
from expert.tui.command_place import words_of
from expert.tui.phrases import bar, certainty_style, plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.curves import append
from expert.tui.sessions.session import Session
from expert.tui.texts import diagnosis as diagnosis_texts
from expert.tui.texts import watch as texts
from expert.tui.watching import RunningScript, Watched
from expert.tui.widgets.curve_view import CurveView
from expert.tui.widgets.plots import Plots
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import Row, row

CURVE = "run:loss"
_OUTPUT_LINES = 2_000
_SAVE_EVERY_S = 5.0
_BAR = 10


class WatchScreen(TalkingScreen[None]):
    """Watch a script train; it ends in the diagnosis."""

    NAME = texts.WATCHING
    EXPLANATION = texts.WATCH_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop", id="stop"),
        Binding("escape", "leave", "Back", id="back"),
    ]
    AUTO_FOCUS = "#output"

    class Happened(Message):
        """Something was seen."""

        def __init__(self, event: Mapping[str, Any]) -> None:
            super().__init__()
            self.event = event

    class Printed(Message):
        """The script printed something."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Ended(Message):
        """The script ended."""

        def __init__(self, watched: Watched | None, error: Exception | None) -> None:
            super().__init__()
            self.watched = watched
            self.error = error

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._last: Mapping[str, Any] = {}
        self._causes: Sequence[Mapping[str, Any]] = ()
        self._output: deque[str] = deque(maxlen=_OUTPUT_LINES)
        self._unfinished = ""
        self._began = self._saved = monotonic()
        self._layers: tuple[Observation, ...] = ()
        self._process: RunningScript | None = None
        self._ending: Literal["", "stop", "leave"] = ""
        session.curves.pop(CURVE, None)

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="overall", markup=False)
        with Container(id="work"):
            with Vertical(id="probes", classes="panel"):
                yield CurveView(id="live-chart")
                yield Plots(id="live-layers")
            with Vertical(id="beside"):
                with VerticalScroll(id="so-far", classes="panel", can_focus=False):
                    yield Prose(id="suspicion")
                yield RichLog(
                    id="output", classes="panel", wrap=True, markup=False, max_lines=_OUTPUT_LINES
                )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start the script."""
        watch = self.medic.services.watch
        if watch is None:
            self.medic.explain(UsageError(en=texts.NO_WATCHING.en, zh=texts.NO_WATCHING.zh), None)
            return
        self.set_interval(0.5, self._tick)
        self._process = watch(
            words_of(self.session.subject.spec),
            on_event=lambda event: self._tell(self.Happened(event)),
            on_output=lambda text: self._tell(self.Printed(text)),
        )
        self.medic.save(self.session)
        self._watch(self._process)

    def on_unmount(self) -> None:
        """End the script, however the screen is left."""
        if self._process is not None:
            self._process.cancel()

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.session.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title)
        for id_, text in (
            ("#probes", texts.LOSS),
            ("#so-far", texts.SUSPICIONS),
            ("#output", texts.OUTPUT),
        ):
            self.query_one(id_).border_title = Content(text.get(language))
        self._tick()
        self._show_layers(language)
        self._show_causes(language)

    def _tick(self) -> None:
        language = self.medic.language
        self.query_one("#overall", Static).update(Content(self._told(language)))

    def _told(self, language: Language) -> str:
        if self._ending:
            return texts.STOPPING.get(language)
        if "step" not in self._last:
            return texts.STARTING.get(language)
        return texts.RUNNING.get(language).format(
            step=self._last["step"],
            loss=number(_float(self._last.get("loss"))),
            speed=number(_float(self._last.get("steps_per_second"))),
            elapsed=strings.duration(monotonic() - self._began, language),
        )

    def _show_layers(self, language: Language) -> None:
        plots = self.query_one("#live-layers", Plots)
        plots.display = bool(self._layers)
        plots.show(self._layers, {}, language, {})

    def _show_causes(self, language: Language) -> None:
        rows: list[Row] = []
        for cause in self._causes[:6]:
            certainty = float(cause["certainty"])
            style = certainty_style(certainty)
            title = plain(Text.from_json(cause["title"]).get(language))
            rows.append(
                row(Content.styled(title, "bold" if certainty >= 0.5 else "$foreground 60%"))
            )
            rows.append(row(Content.assemble(bar(certainty, _BAR, style), f" {certainty:.2f}")))
            rows += [
                row(Content.styled(plain(f"  {p['file']}:{p['line']}"), "$foreground 60%"))
                for p in cause.get("locations") or ()
            ]
        nothing = row(Content.styled(texts.NO_SUSPICION.get(language), "$foreground 60%"))
        self.query_one("#suspicion", Prose).show(rows or [nothing])

    # ---------------------------------------------------------------------------- running
    def _tell(self, message: Message) -> None:
        self.post_message(message)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _watch(self, process: RunningScript) -> None:
        try:
            self.post_message(self.Ended(process.run(), None))
        except Exception as error:
            self.post_message(self.Ended(None, error))

    @on(Happened)
    def _happened(self, message: Happened) -> None:
        event = message.event
        if "causes" in event:
            self._causes = event["causes"]
            self._show_causes(self.medic.language)
        if event.get("event") == "layers":
            self._layers = tuple(_per_layer(event["facts"]))
            self._show_layers(self.medic.language)
        if event.get("event") != "progress":
            return
        self._last = event
        curve = self.session.curves.setdefault(CURVE, [])
        append(curve, (float(event["step"]), _float(event.get("loss"))))
        name = diagnosis_texts.STEP.get(self.medic.language)
        self.query_one(CurveView).show([("", curve, "$primary")], name)
        self._tick()
        if monotonic() - self._saved > _SAVE_EVERY_S:
            self._saved = monotonic()
            self.medic.save(self.session)

    @on(Printed)
    def _printed(self, message: Printed) -> None:
        *whole, self._unfinished = (self._unfinished + message.text).split("\n")
        for line in whole:
            shown = plain(line.rstrip("\r").rsplit("\r", 1)[-1])
            self._output.append(shown)
            self.query_one("#output", RichLog).write(RichText(shown))

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if self._ending == "leave" or self not in self.app.screen_stack:
            return
        if message.error is not None or message.watched is None:
            error = message.error or RuntimeError("the script was not run")
            self.medic.explain(error, self.session.subject)
            return
        session = self.session
        session.output = tuple(self._output)
        if not message.watched.observations:
            self._explain_nothing(message.watched.status)
            return
        session.measured, session.complete = message.watched.observations, True
        self.medic.save(session)
        self.medic.show_diagnosis(session)

    def _explain_nothing(self, status: int) -> None:
        said, spec = texts.NO_TRAINING, self.session.subject.spec
        error = UserCodeError(
            en=said.en.format(script=spec, status=status),
            zh=said.zh.format(script=spec, status=status),
            traceback="\n".join(self._output),
        )
        self.medic.explain(error, self.session.subject)

    # --------------------------------------------------------------------------- actions
    def action_stop(self) -> None:
        """End the script as Ctrl-C would; a second time at once."""
        if self._process is not None:
            if self._ending == "stop":
                self._process.cancel()
            else:
                self._process.interrupt()
        self._ending = "stop"
        self._tick()

    def action_leave(self) -> None:
        """End the script at once and go back to the start."""
        self._ending = "leave"
        if self._process is not None:
            self._process.cancel()
        self.medic.back_to_start()


def _per_layer(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[Observation]:
    """Yield the facts of a "layers" event."""
    for name, values in facts.items():
        told = {"name": name, "value": list(values.values()), "where": list(values)}
        yield Observation.from_json(told)


def _float(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan
