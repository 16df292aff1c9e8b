"""One question at a time, each with why it is asked; the ranking beside it moves at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer

from expert.language import Language, Text
from expert.tui.outline import fired
from expert.tui.phrases import plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.session import Session
from expert.tui.sketches import drawing
from expert.tui.texts import walk as texts
from expert.tui.widgets.choices import Choices
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.ranking import Ranking
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row

if TYPE_CHECKING:
    from expert.asking import Questionnaire
    from expert.knowledge.schema import Question
    from expert.tui.reasoning import Reasoned


class AskingScreen(TalkingScreen[None]):
    """Ask what only a person can tell.

    `before_examination`: only what a person may have seen, and then measure.
    """

    NAME = texts.QUESTIONS
    EXPLANATION = texts.ASKING_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b,backspace,left", "undo", "Undo answer", key_display="b", id="undo"),
        Binding("c", "change", "Change answer", id="change"),
        Binding("d", "diagnosis", "Diagnosis", id="diagnosis"),
        Binding("escape", "leave", "Back", show=False, id="back"),
    ]
    AUTO_FOCUS = "Choices"

    class Came(Message):
        """The next question, with what is known before it; None when none is worth asking."""

        def __init__(self, reasoned: Reasoned, question: Question | None, why: Text | None) -> None:
            super().__init__()
            self.reasoned = reasoned
            self.question = question
            self.why = why

    class Failed(Message):
        """Nothing could be concluded."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, session: Session, *, before_examination: bool = False) -> None:
        super().__init__()
        self.session = session
        self._early = before_examination
        self._reasoned: Reasoned | None = None
        self._question: Question | None = None
        self._why: Text | None = None
        self._wanted: str | None = None  # a question to be answered anew

    @property
    def _asking(self) -> Questionnaire | None:
        return self._reasoned.questionnaire if self._reasoned else None

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Horizontal(id="asking"):
            with Vertical(id="question-side"):
                with VerticalScroll(id="question", can_focus=False):
                    yield Prose(id="question-text")
                yield Choices(id="choices")
                with VerticalScroll(id="why", can_focus=False):
                    yield Prose(id="why-text")
            yield Ranking(id="ranking")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Find the first question."""
        self.query_one(Choices).display = False
        self._think()

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        step = "see" if self._early or self._is_drawn() else "ask"
        title = self.session.subject.title(language)
        name = texts.WHAT_YOU_SEE if step == "see" else self.NAME
        self.query_one(TitleBar).speak(language, name.get(language), title, step=step)
        self.query_one(Choices).speak(language)
        self._tell(language)
        reasoned = self._reasoned
        self.query_one(Ranking).show(reasoned.diagnosis if reasoned else None, language)

    def _tell(self, language: Language) -> None:
        head, why = self.query_one("#question-text", Prose), self.query_one("#why-text", Prose)
        if self._reasoned is None:
            head.show([row(Content.styled(texts.THINKING.get(language), "$foreground 60%"))])
            why.show([])
        elif self._question is None:
            hint = Content.styled(texts.DIAGNOSE_NOW.get(language), "bold $accent")
            head.show([row(texts.ENOUGH_ASKED.get(language)), row(), row(hint)])
            why.show([])
        else:
            text = Content.styled(plain(self._question.text.text.get(language)), "bold")
            count = texts.QUESTION_NUMBER.get(language).format(n=self._number())
            head.show([row(Content.styled(count, "$foreground 60%")), row(text)])
            because = self._why or self._question.why.text
            said = Content.styled(plain(because.get(language)), "italic $foreground 60%")
            why.show([row(said)])

    def _number(self) -> int:
        asked = [question for question, _ in self.session.answers]
        id_ = self._question.question if self._question else ""
        return asked.index(id_) + 1 if id_ in asked else len(asked) + 1

    def _is_drawn(self) -> bool:
        question = self._question
        return question is not None and any(drawing(choice.sets) for choice in question.choices)

    # ------------------------------------------------------------------------ reasoning
    def fired(self) -> dict[str, float]:
        """Return the rules that fired so far, with what each said."""
        return fired(self._reasoned.diagnosis) if self._reasoned is not None else {}

    def reason_again(self) -> None:
        """Conclude anew from the edited rules."""
        self._think()

    @work(thread=True, exclusive=True, group="think", exit_on_error=False)
    def _think(self) -> None:
        try:
            reasoned = self.medic.conclude(self.session)
            question = self._next(reasoned.questionnaire)
            why = reasoned.questionnaire.why(question) if question is not None else None
            self.post_message(self.Came(reasoned, question, why))
        except Exception as error:
            self.post_message(self.Failed(error))

    def _next(self, asking: Questionnaire) -> Question | None:
        """Return what to ask: what was asked for, what can be drawn, what matters most."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            return asking.knowledge.questions.get(wanted)
        if self._early or (self.session.subject.kind == "symptoms" and not asking.known):
            drawn = (q for q in asking.open if any(drawing(c.sets) for c in q.choices))
            first = next(drawn, None)
            if first is not None or self._early:
                return first
        return asking.next()

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        self.medic.explain(message.error, None)

    @on(Came)
    def _came(self, message: Came) -> None:
        self._reasoned, self._question = message.reasoned, message.question
        self._why = message.why
        self.session.conclude(message.reasoned.diagnosis)
        choices = self.query_one(Choices)
        if self._question is None and self._early:
            self._go_on()
            return
        choices.display = self._question is not None
        if self._question is not None:
            present = dict(self.session.answers).get(self._question.question)
            skip = texts.SKIP_TO_EXAMINATION if self._early else None
            choices.ask(self._question, present, skip=skip)
            choices.focus()
        self.speak(self.medic.language)
        self.refresh_bindings()

    # --------------------------------------------------------------------------- answers
    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        if event.skipped:
            self._go_on()
        elif self._question is not None and self._asking is not None:
            self._take(self._asking.answer(self._question.question, event.choice))

    def _take(self, asking: Questionnaire) -> None:
        self.session.answers = tuple((a.question, a.choice) for a in asking.answers)
        self.medic.save(self.session)
        self._think()

    def key_enter(self) -> None:
        """Show the diagnosis when nothing is left to ask."""
        if self._question is None and self._reasoned is not None:
            self.action_diagnosis()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what makes no sense before anything was answered."""
        if action in ("undo", "change"):
            return True if self.session.answers else None
        return True

    def action_undo(self) -> None:
        """Take the last answer back and ask again."""
        if self.session.answers:
            last, _ = self.session.answers[-1]
            self.session.answers = self.session.answers[:-1]
            self._wanted = last
            self.medic.save(self.session)
            self._think()

    def action_change(self) -> None:
        """Choose an earlier answer to change."""
        from expert.tui.screens.answers import AnswersDialog

        if self._asking is not None and self.session.answers:
            self.app.push_screen(AnswersDialog(self._asking), self._change)

    def _change(self, question: str | None) -> None:
        if question is not None:
            self._wanted = question
            self._think()

    def _go_on(self) -> None:
        from expert.tui.screens.examination import ExaminationScreen

        self.medic.back_to_start()
        self.app.push_screen(ExaminationScreen(self.session))

    def action_diagnosis(self) -> None:
        """Diagnose from what is known; before an examination, examine first."""
        if self._early:
            self._go_on()
            return
        self.session.complete = True
        self.medic.save(self.session)
        self.medic.show_diagnosis(self.session)

    def action_leave(self) -> None:
        """Go back: to the diagnosis if there is one to see, else to the start."""
        if self.session.measured:
            self.action_diagnosis()
        else:
            self.medic.back_to_start()
