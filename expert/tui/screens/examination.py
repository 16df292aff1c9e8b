"""The examination screen: probes at work, the ranking so far, what the user's code prints."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.text import Text as RichText
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, RichLog, Static

from expert.language import Language
from expert.tui import strings
from expert.tui.examining import RunningExamination
from expert.tui.outline import fired
from expert.tui.phrases import bar, plain
from expert.tui.progress import ENDED, ProbeState, Progress
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.session import Session
from expert.tui.texts import walk as texts
from expert.tui.widgets.probe_list import ProbeList
from expert.tui.widgets.ranking import Ranking
from expert.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from expert.tui.reasoning import Reasoned

_OUTPUT_LINES = 2_000
_TICK = 0.2  # seconds between two turns of the spinner


class ExaminationScreen(TalkingScreen[None]):
    """Watch an examination; it ends in questions, in the diagnosis, or in a problem.

    A session that was interrupted goes on with the probes that were not done.
    """

    NAME = strings.EXAMINATION
    EXPLANATION = strings.EXAMINATION_HELP
    STEP = "examine"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop", id="stop"),
        Binding("n", "skip", "Skip", id="skip-probe"),
        Binding("escape", "leave", "Back", id="back"),
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

        def __init__(self, reasoned: Reasoned, observations: int) -> None:
            super().__init__()
            self.reasoned = reasoned
            self.observations = observations

    class Ended(Message):
        """The examination is over: with what follows, or with what went wrong."""

        def __init__(self, reasoned: Reasoned | None, problem: BaseException | None) -> None:
            super().__init__()
            self.reasoned = reasoned
            self.problem = problem

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._before = {p.id: p for p in session.probes if p.status in ENDED}
        self._kept = session.measured
        self._progress: Progress | None = None
        self._output: deque[str] = deque(session.output, maxlen=_OUTPUT_LINES)
        self._unfinished = ""  # what was printed after the last line end
        self._reasoned: Reasoned | None = None
        self._concluded_from = -1
        self._process: RunningExamination | None = None
        self._ending: Literal["", "stop", "leave"] = ""

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="overall", markup=False)
        with Container(id="work"):
            yield ProbeList(id="probes").add_class("panel")
            with Vertical(id="beside"):
                yield Ranking(id="so-far")
                yield RichLog(
                    id="output", classes="panel", wrap=True, markup=False, max_lines=_OUTPUT_LINES
                )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start the examination."""
        services = self.medic.services
        self.query_one("#output").display = False  # until something is printed
        self._progress = Progress(monotonic(), services.budget)
        self._take_up()
        self.set_interval(_TICK, self._tick)
        self.medic.save(self.session)
        self._examine()

    def on_unmount(self) -> None:
        """End the child process, however the screen is left."""
        self._cancel()

    @property
    def progress(self) -> Progress:
        """How far the examination has come."""
        assert self._progress is not None
        return self._progress

    def _take_up(self) -> None:
        """Show what an interrupted session had done."""
        self.progress.observations = list(self._kept)
        if self._before:
            self.progress.probes = {p.id: p for p in self.session.probes}

    def _remaining(self) -> tuple[str, ...]:
        return tuple(p.id for p in self.session.probes if p.id not in self._before)

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.session.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title, step=self.STEP)
        for id_, text in (("#probes", strings.PROBES), ("#output", strings.OUTPUT)):
            self.query_one(id_).border_title = Content(text.get(language))
        self._show_ranking()
        self._tick()

    # ------------------------------------------------------------- in the worker's thread
    def _prepared(self) -> RunningExamination:
        session = self.session
        return self.medic.services.examine(
            session.subject.spec,
            on_event=lambda event: self._tell(self.Happened(event)),
            on_output=lambda text: self._tell(self.Printed(text)),
            only=self._remaining(),
            treated=session.treated,
            given=session.given,
            knowledge=self.medic.knowledge(),
        )

    def _tell(self, message: Message) -> None:
        self.post_message(message)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _examine(self) -> None:
        try:
            self._process = self._prepared()
            if self._ending:
                self._process.cancel()
            examined = self._process.run()
            seen = {o.name: o for o in (*self._kept, *examined.observations)}
            self.session.measured = tuple(seen.values())
            reasoned = self.medic.conclude(self.session)
            if examined.refusal is not None:
                if not reasoned.diagnosis.findings:
                    raise examined.refusal
                self._tell(self.Printed(examined.refusal.traceback + "\n"))
            self.post_message(self.Ended(reasoned, None))
        except Exception as error:
            self.post_message(self.Ended(None, error))

    @work(thread=True, exclusive=True, group="conclude", exit_on_error=False)
    def _conclude(self) -> None:
        reasoned = self.medic.conclude(self.session)
        self.post_message(self.Concluded(reasoned, len(self.session.measured)))

    # ---------------------------------------------------------------------------- events
    @on(Happened)
    def _happened(self, message: Happened) -> None:
        if self._ending == "leave":
            return
        if message.event.get("event") == "warning":
            self._log(message.event["message"][self.medic.language])
        kept = {**self.progress.probes}
        probe = self.progress.apply(message.event, monotonic())
        if message.event.get("event") == "start" and self._before:
            self.progress.probes = {**kept, **self.progress.probes}
        self._tick()
        if probe is None or probe.status == "running":
            if probe is not None:
                self.query_one(ProbeList).follow(probe)
            return
        self._keep()
        if message.event.get("observations"):
            self._conclude()

    def _keep(self) -> None:
        """Save what is known so far."""
        session = self.session
        session.measured = tuple({o.name: o for o in self.progress.observations}.values())
        session.probes = self._probes()
        session.output = tuple(self._output)
        self.medic.save(session)

    def _probes(self) -> tuple[ProbeState, ...]:
        return tuple(self.progress.probes.values())

    @on(Printed)
    def _printed(self, message: Printed) -> None:
        *whole, self._unfinished = (self._unfinished + message.text).split("\n")
        for line in whole:
            self._log(line)

    def _log(self, line: str) -> None:
        shown = plain(line.rstrip("\r").rsplit("\r", 1)[-1])  # of a progress bar the last state
        self._output.append(shown)
        log = self.query_one("#output", RichLog)
        log.display = True
        log.write(RichText(shown))

    @on(Concluded)
    def _concluded(self, message: Concluded) -> None:
        if message.observations > self._concluded_from:  # threads may overtake one another
            self._concluded_from = message.observations
            self._reasoned = message.reasoned
            self._show_ranking()

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if self._ending == "leave" or self not in self.app.screen_stack:
            return
        if message.reasoned is not None:
            self._end_with(message.reasoned, complete=self._ending != "stop")
        elif message.problem is not None:
            self.medic.explain(message.problem, self.session.subject)

    def _end_with(self, reasoned: Reasoned, *, complete: bool) -> None:
        self.progress.stop()
        if self._unfinished:
            self._log(self._unfinished)
        session = self.session
        session.complete = complete
        session.probes, session.output = self._probes(), tuple(self._output)
        session.conclude(reasoned.diagnosis)
        self.medic.save(session)
        certain = reasoned.is_clear or not complete or session.follows is not None
        if certain or reasoned.questionnaire.next() is None:
            self.medic.show_diagnosis(session)
        else:
            self.medic.ask(session)

    # ---------------------------------------------------------------------------- showing
    def fired(self) -> dict[str, float]:
        """Return the rules that fired so far, with what each said."""
        return fired(self._reasoned.diagnosis) if self._reasoned is not None else {}

    def reason_again(self) -> None:
        """Conclude anew from the edited rules."""
        self._concluded_from = -1
        self._conclude()

    def _tick(self) -> None:
        if self._progress is None:
            return
        language, now = self.medic.language, monotonic()
        for probe in self.progress.probes.values():
            if probe.status == "running" and probe.started is not None:
                probe.seconds = now - probe.started
        self.query_one(ProbeList).show(list(self.progress.probes.values()), language)
        self.query_one("#overall", Static).update(self._overall(language, now))

    def _overall(self, language: Language, now: float) -> Content:
        fraction = self.progress.fraction()
        width = max(10, min(40, self.size.width // 3))
        return Content.assemble(bar(fraction, width), "  ", self._told(language, now, fraction))

    def _told(self, language: Language, now: float, fraction: float) -> str:
        if self._ending:
            return strings.STOPPING.get(language)
        if not self.progress.probes:
            elapsed = strings.duration(now - self.progress.started, language)
            return f"{strings.STARTING.get(language)}  {elapsed}"
        if fraction >= 1.0:
            return strings.CONCLUDING.get(language)
        left, estimated = self.progress.seconds_left(now)
        template = strings.RUNNING if estimated else strings.RUNNING_NO_ESTIMATE
        return template.get(language).format(
            percent=round(100 * fraction),
            elapsed=strings.duration(now - self.progress.started, language),
            left=strings.duration(left, language),
        )

    def _show_ranking(self) -> None:
        diagnosis = self._reasoned.diagnosis if self._reasoned else None
        self.query_one(Ranking).show(diagnosis, self.medic.language)

    # --------------------------------------------------------------------------- actions
    def action_skip(self) -> None:
        """Give up the probe at work; the others go on."""
        running = next((p for p in self.progress.probes.values() if p.status == "running"), None)
        if running is not None and self._process is not None and not self._ending:
            self._process.skip()
            language = self.medic.language
            said = texts.SKIP_STARTS_AGAIN.get(language).format(title=running.title.get(language))
            self.notify(said, markup=False, timeout=4)

    def action_stop(self) -> None:
        """End the examination here and tell what follows from it so far."""
        if not self._ending:
            self._ending = "stop"
            self._tick()
            self._cancel()

    def action_leave(self) -> None:
        """End the examination and go back to the start; it can be continued from there."""
        self._ending = "leave"
        self._cancel()
        self.medic.back_to_start()

    def _cancel(self) -> None:
        if self._process is not None:
            self._process.cancel()
