"""A dialog that lists the answers given, to choose the one to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from expert.language import Language
from expert.tui import strings
from expert.tui.phrases import lines, plain
from expert.tui.screens.talking import TalkingDialog
from expert.tui.texts import walk as texts
from expert.tui.widgets.panes import VI_KEYS

if TYPE_CHECKING:
    from expert.asking import Answered, Questionnaire


class AnswerList(OptionList):
    """The questions answered, with the answers."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Choose"), *VI_KEYS]


class AnswersDialog(TalkingDialog[str | None]):
    """Returns the id of a question, None when nothing shall change."""

    NAME = texts.PICK_TO_CHANGE
    EXPLANATION = texts.ASKING_HELP
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    def __init__(self, asking: Questionnaire) -> None:
        super().__init__()
        self._asking = asking

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        with Vertical(classes="dialog"):
            yield AnswerList(markup=False)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        box = self.query_one(".dialog")
        box.border_title = Content(self.NAME.get(language))
        box.border_subtitle = Content(strings.CLOSE_HINT.get(language))
        list_ = self.query_one(AnswerList)
        before = list_.highlighted
        list_.clear_options()
        list_.add_options([Option(self._told(a, language)) for a in self._asking.answers])
        list_.highlighted = len(self._asking.answers) - 1 if before is None else before

    def _told(self, answered: Answered, language: Language) -> Content:
        question = self._asking.knowledge.questions[answered.question]
        choice = next((c for c in question.choices if c.answer == answered.choice), None)
        said = choice.text.text.get(language) if choice else texts.DONT_KNOW.get(language)
        return lines(
            [
                Content(plain(question.text.text.get(language))),
                Content.styled(f"  {plain(said)}", "$accent"),
            ]
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._asking.answers[event.option_index].question)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)
