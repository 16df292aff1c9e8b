"""The examination screen: probes at work, findings so far, what the user's code prints."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
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

from expert.diagnosis import Diagnosis
from expert.language import Language
from expert.tui import strings
from expert.tui.examining import RunningExamination
from expert.tui.outcome import Outcome, Subject
from expert.tui.phrases import bar, plain
from expert.tui.progress import Progress
from expert.tui.screens.conclusions import so_far
from expert.tui.screens.talking import TalkingScreen
from expert.tui.widgets.probe_list import ProbeList
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row

_OUTPUT_LINES = 2_000
_TICK = 0.2  # seconds between two turns of the spinner


class ExaminationScreen(TalkingScreen):
    """Watch an examination; it ends in the diagnosis, or in a problem."""

    NAME = strings.EXAMINATION
    EXPLANATION = strings.EXAMINATION_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop"),
        Binding("escape", "leave", "Back"),
    ]
    AUTO_FOCUS = "ProbeList"

    class Happened(Message):
        """The child process told of an event."""

        def __init__(self, event: Mapping[str, Any]) -> None:
            super().__init__()
            self.event = event

    class Printed(Message):
        """The user's code printed something."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Concluded(Message):
        """What follows from the observations so far."""

        def __init__(self, diagnosis: Diagnosis, observations: int) -> None:
            super().__init__()
            self.diagnosis = diagnosis
            self.observations = observations

    class Ended(Message):
        """The examination is over: with a diagnosis, or with what went wrong."""

        def __init__(self, diagnosis: Diagnosis | None, problem: BaseException | None) -> None:
            super().__init__()
            self.diagnosis = diagnosis
            self.problem = problem

    def __init__(self, subject: Subject, budget: float) -> None:
        super().__init__()
        self.subject = subject
        self._progress = Progress(monotonic(), budget)
        self._output: deque[str] = deque(maxlen=_OUTPUT_LINES)
        self._unfinished = ""  # what was printed after the last line end
        self._diagnosis: Diagnosis | None = None
        self._concluded_from = 0
        self._process: RunningExamination | None = None
        self._ending: Literal["", "stop", "leave"] = ""

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="overall", markup=False)
        with Container(id="work"):
            yield ProbeList(id="probes").add_class("panel")
            with Vertical(id="beside"):
                with VerticalScroll(id="so-far", classes="panel"):
                    yield Prose(id="so-far-text")
                yield RichLog(
                    id="output", classes="panel", wrap=True, markup=False, max_lines=_OUTPUT_LINES
                )
        yield Footer()

    def on_mount(self) -> None:
        """Start the examination."""
        self.set_interval(_TICK, self._tick)
        self._process = self.medic.prepare(
            self.subject.spec,
            on_event=lambda event: self._tell(self.Happened(event)),
            on_output=lambda text: self._tell(self.Printed(text)),
        )
        self._examine(self._process)

    def on_unmount(self) -> None:
        """End the child process, however the screen is left."""
        self._cancel()

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title)
        for id_, text in (
            ("#probes", strings.PROBES),
            ("#so-far", strings.FINDINGS_SO_FAR),
            ("#output", strings.OUTPUT),
        ):
            self.query_one(id_).border_title = Content(text.get(language))
        self._show_so_far()
        self._tick()

    # ------------------------------------------------------------- in the worker's thread
    def _tell(self, message: Message) -> None:
        self.post_message(message)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _examine(self, running: RunningExamination) -> None:
        try:
            examined = running.run()
            diagnosis = self.medic.conclude(examined.observations, examined.inquiries)
            if examined.refusal is not None:
                if not diagnosis.findings:
                    raise examined.refusal
                self._tell(self.Printed(examined.refusal.traceback + "\n"))
            self.post_message(self.Ended(diagnosis, None))
        except Exception as error:
            self.post_message(self.Ended(None, error))

    @work(thread=True, exclusive=True, group="conclude", exit_on_error=False)
    def _conclude(self) -> None:
        observations = tuple(self._progress.observations)
        diagnosis = self.medic.conclude(observations, self._progress.inquiries())
        self.post_message(self.Concluded(diagnosis, len(observations)))

    # ---------------------------------------------------------------------------- events
    @on(Happened)
    def _happened(self, message: Happened) -> None:
        probe = self._progress.apply(message.event, monotonic())
        self._tick()
        if probe is None:
            return
        if probe.status == "running":
            self.query_one(ProbeList).follow(probe)
        elif message.event.get("observations"):
            self._conclude()

    @on(Printed)
    def _printed(self, message: Printed) -> None:
        *whole, self._unfinished = (self._unfinished + message.text).split("\n")
        for line in whole:
            self._log(line)

    def _log(self, line: str) -> None:
        shown = plain(line.rstrip("\r").rsplit("\r", 1)[-1])  # of a progress bar the last state
        self._output.append(shown)
        self.query_one("#output", RichLog).write(RichText(shown))

    @on(Concluded)
    def _concluded(self, message: Concluded) -> None:
        if message.observations >= self._concluded_from:  # threads may overtake one another
            self._concluded_from = message.observations
            self._diagnosis = message.diagnosis
            self._show_so_far()

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if self._ending == "leave" or self not in self.app.screen_stack:
            return
        if message.diagnosis is not None:
            self._end_with(message.diagnosis, complete=self._ending != "stop")
        elif message.problem is not None:
            self.medic.explain(message.problem, self.subject)

    def _end_with(self, diagnosis: Diagnosis, *, complete: bool) -> None:
        self._progress.stop()
        if self._unfinished:
            self._log(self._unfinished)
        probes = tuple(self._progress.probes.values())
        self.medic.show_diagnosis(
            Outcome(self.subject, diagnosis, probes, tuple(self._output), complete)
        )

    # ---------------------------------------------------------------------------- showing
    def _tick(self) -> None:
        language, now = self.medic.language, monotonic()
        for probe in self._progress.probes.values():
            if probe.status == "running" and probe.started is not None:
                probe.seconds = now - probe.started
        self.query_one(ProbeList).show(list(self._progress.probes.values()), language)
        self.query_one("#overall", Static).update(self._overall(language, now))

    def _overall(self, language: Language, now: float) -> Content:
        fraction = self._progress.fraction()
        width = max(10, min(40, self.size.width // 3))
        return Content.assemble(bar(fraction, width), "  ", self._told(language, now, fraction))

    def _told(self, language: Language, now: float, fraction: float) -> str:
        if self._ending:
            return strings.STOPPING.get(language)
        if not self._progress.probes:
            elapsed = strings.duration(now - self._progress.started, language)
            return f"{strings.STARTING.get(language)}  {elapsed}"
        if fraction >= 1.0:
            return strings.CONCLUDING.get(language)
        left, estimated = self._progress.seconds_left(now)
        template = strings.RUNNING if estimated else strings.RUNNING_NO_ESTIMATE
        return template.get(language).format(
            percent=round(100 * fraction),
            elapsed=strings.duration(now - self._progress.started, language),
            left=strings.duration(left, language),
        )

    def _show_so_far(self) -> None:
        language, diagnosis = self.medic.language, self._diagnosis
        rows = so_far(diagnosis, language) if diagnosis is not None else []
        nothing = row(Content.styled(strings.NOTHING_YET.get(language), "$foreground 60%"))
        self.query_one("#so-far-text", Prose).show(rows or [nothing])

    # --------------------------------------------------------------------------- actions
    def action_stop(self) -> None:
        """End the examination here and tell what follows from it so far."""
        if not self._ending:
            self._ending = "stop"
            self._tick()
            self._cancel()

    def action_leave(self) -> None:
        """End the examination and go back to the start."""
        self._ending = "leave"
        self._cancel()
        self.medic.back_to_start()

    def _cancel(self) -> None:
        if self._process is not None:
            self._process.cancel()
