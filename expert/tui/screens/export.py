"""A dialog that writes the diagnosis to a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from expert.diagnosis import Diagnosis
from expert.language import Language
from expert.tui import strings
from expert.tui.phrases import plain
from expert.tui.screens.talking import TalkingDialog
from expert.tui.sessions.session import Session
from expert.tui.texts import diagnosis as texts
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.widgets.prose import Prose
from expert.tui.wrapping import row

_ENDINGS = {"markdown": ".md", "html": ".html", "json": ".json", "text": ".txt"}


class FormatList(OptionList):
    """The formats."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Save"), *VI_KEYS]


class ExportDialog(TalkingDialog[None]):
    """Choose a format and a place."""

    NAME = texts.EXPORT
    EXPLANATION = texts.EXPORT_HELP
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]
    AUTO_FOCUS = "FormatList"

    def __init__(self, session: Session, diagnosis: Diagnosis) -> None:
        super().__init__()
        self._session = session
        self._diagnosis = diagnosis
        self._format = next(iter(_ENDINGS))
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        with Vertical(classes="dialog"):
            yield FormatList(id="formats", markup=False)
            yield Prose(id="save-as")
            yield Input(f"diagnosis{_ENDINGS[self._format]}", id="path", select_on_focus=False)
            yield Prose(id="export-hint")

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        box = self.query_one(".dialog")
        box.border_title = Content(self.NAME.get(language))
        box.border_subtitle = Content(strings.CLOSE_HINT.get(language))
        list_ = self.query_one(FormatList)
        before = list_.highlighted
        list_.clear_options()
        list_.add_options([Option(texts.FORMATS[id_].get(language), id=id_) for id_ in _ENDINGS])
        list_.highlighted = before or 0
        self.query_one("#save-as", Prose).show([row(), row(texts.EXPORT_PATH.get(language))])
        self._hint(language)

    def _hint(self, language: Language) -> None:
        said = Content.styled(texts.EXPORT_HINT.get(language), "$foreground 60%")
        if self._problem:
            said = Content.styled("✗ " + plain(self._problem), "$text-error")
        self.query_one("#export-hint", Prose).show([row(said)])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is None or event.option.id == self._format:
            return
        field = self.query_one("#path", Input)
        field.value = field.value.removesuffix(_ENDINGS[self._format]) + _ENDINGS[event.option.id]
        self._format = event.option.id

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _save(self) -> None:
        language = self.medic.language
        path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        try:
            path.write_text(self._written(language), encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            self._problem = texts.NOT_EXPORTED.get(language).format(path=path, why=why)
            self._hint(language)
            return
        self.notify(texts.EXPORTED.get(language).format(path=path.absolute()), markup=False)
        self.dismiss()

    def _written(self, language: Language) -> str:
        if self._format == "text":
            return as_text(self._diagnosis, language)
        from expert.report.formats import written

        return written(self._diagnosis, self._format, language)

    def action_close(self) -> None:
        """Write nothing."""
        self.dismiss()


def as_text(diagnosis: Diagnosis, language: Language) -> str:
    """Return the report as the command line prints it, without colours."""
    from io import StringIO

    from rich.console import Console

    from expert.report.text_report import print_diagnosis

    file = StringIO()
    console = Console(file=file, width=100, highlight=False, no_color=True)
    print_diagnosis(diagnosis, console, language)
    return file.getvalue()
