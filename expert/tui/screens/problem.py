"""What went wrong, to read and copy: a sentence, and the traceback where there is one."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from expert.errors import TorchmedicError, UserCodeError
from expert.language import Language, Text
from expert.tui import strings
from expert.tui.outcome import Subject
from expert.tui.phrases import plain
from expert.tui.screens.talking import TalkingDialog
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import row


@dataclass(frozen=True, slots=True)
class Problem:
    """A title, a sentence, and details such as a traceback."""

    title: Text
    message: Text
    details: str = ""
    details_title: Text = strings.DETAILS
    subject: Subject | None = None  # what to examine again, where that makes sense
    from_the_end: bool = False  # a traceback says what was wrong in its last line


def problem_from(error: BaseException, subject: Subject | None) -> Problem:
    """Return how `error` is told: the traceback, or a long list of mistakes, can be scrolled."""
    from expert.knowledge.reader import KnowledgeError

    if isinstance(error, UserCodeError):
        title, details_title = strings.PROBLEM_USER_CODE, strings.TRACEBACK
        return Problem(
            title, error.text, error.traceback, details_title, subject, from_the_end=True
        )
    if isinstance(error, KnowledgeError):
        return Problem(strings.PROBLEM_KNOWLEDGE, strings.KNOWLEDGE_SAID, error.say("en"))
    if isinstance(error, TorchmedicError):
        return Problem(strings.PROBLEM_USAGE, error.text, subject=subject)
    details = "".join(traceback.format_exception(error))
    return Problem(
        strings.PROBLEM_OURS, strings.OURS_SAID, details, subject=subject, from_the_end=True
    )


class ProblemScreen(TalkingDialog[None]):
    """Explains one problem."""

    NAME = strings.PROBLEM
    EXPLANATION = strings.PROBLEM_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy"),
        Binding("r", "again", "Again"),
        Binding("escape,enter", "close", "Close", key_display="esc"),
    ]

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        detailed = " detailed" if self._problem.details else ""
        with Vertical(classes=f"dialog problem{detailed}"):
            yield Prose(id="message")
            if self._problem.details:
                with VerticalScroll(id="details"):
                    yield Static(id="details-text", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what a traceback ends with first; it scrolls up from there."""
        if self._problem.details and self._problem.from_the_end:
            self.query_one("#details", VerticalScroll).anchor()

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        problem = self._problem
        box = self.query_one(".dialog")
        box.border_title = Content(problem.title.get(language))
        self.query_one("#message", Prose).show([row(plain(problem.message.get(language)))])
        if problem.details:
            self.query_one("#details").border_title = Content(problem.details_title.get(language))
            self.query_one("#details-text", Static).update(Content(plain(problem.details.rstrip())))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a second try only where there is something to try."""
        return self._problem.subject is not None if action == "again" else True

    def action_copy(self) -> None:
        """Copy the message and the details."""
        problem = self._problem
        message = problem.message.get(self.medic.language)
        self.medic.copy(f"{message}\n\n{problem.details}".rstrip())

    def action_again(self) -> None:
        """Examine the case again, now that the user may have changed it."""
        subject = self._problem.subject
        if subject is not None:
            self.medic.begin(subject)

    def action_close(self) -> None:
        """Go back to where one was."""
        self.dismiss()
