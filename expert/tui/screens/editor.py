"""Edit a pack's YAML in place: on saving it is checked, its rule tests run, and rules reload."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, OptionList, TextArea
from textual.widgets.option_list import Option

from expert.language import Language, Text
from expert.tui.checking import Checked, check_saved
from expert.tui.phrases import plain
from expert.tui.screens.talking import TalkingScreen
from expert.tui.texts import knowledge as texts
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import row
from expert.tui.writing import write_atomically


class MistakeList(OptionList):
    """What is wrong; enter goes to the line."""


class EditorScreen(TalkingScreen[None]):
    """A text area with what is wrong below it."""

    NAME = texts.EDITOR
    EXPLANATION = texts.EDITOR_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True, id="save"),
        Binding("escape", "leave", "Back", priority=True, id="back"),
    ]
    AUTO_FOCUS = "TextArea"

    class Was(Message):
        """The saved file was checked."""

        def __init__(self, checked: Checked) -> None:
            super().__init__()
            self.checked = checked

    def __init__(self, path: str, line: int, id_: str) -> None:
        super().__init__()
        self._path, self._line = Path(path), line
        self._document = id_
        self._text = self._read()
        self._checked: Checked | None = None
        self._state = texts.EDIT_HINT
        self._warned = False

    def _read(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            return f"# {error}\n"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        area = TextArea(self._text, id="yaml", show_line_numbers=True, tab_behavior="indent")
        area.soft_wrap = False
        yield area
        with VerticalScroll(id="checked-file", can_focus=False):
            yield Prose(id="checked-text")
        yield MistakeList(id="mistakes", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Go to the document."""
        area = self.query_one(TextArea)
        self.query_one(MistakeList).display = False
        area.move_cursor((max(self._line - 1, 0), 0), center=True)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language), str(self._path))
        self._tell(language)

    def _tell(self, language: Language) -> None:
        checked, text = self._checked, self.query_one("#checked-text", Prose)
        mistakes = self.query_one(MistakeList)
        mistakes.clear_options()
        mistakes.display = checked is not None and bool(self._lines)
        if checked is None:
            text.show([row(Content.styled(self._state.get(language), "$foreground 60%"))])
            return
        if checked.problems:
            said = texts.HAS_MISTAKES if checked.broken else texts.SAVED_FAILING
            text.show([row(Content.styled("✗ " + said.get(language), "$text-error"))])
        elif checked.remarks:
            said_ = texts.SAVED_WITH_REMARKS.get(language)
            told = said_.format(tests=checked.tests, remarks=len(checked.remarks))
            text.show([row(Content.styled("! " + told, "$text-warning"))])
        else:
            said_ = texts.SAVED_CLEAN.get(language).format(tests=checked.tests)
            text.show([row(Content.styled(said_, "$success"))])
        mistakes.add_options(
            [Option(Content(plain(f"{line}: {told.get(language)}"))) for line, told in self._lines]
        )

    @property
    def _lines(self) -> tuple[tuple[int, Text], ...]:
        """What the list below shows, with its lines."""
        return (*self._checked.problems, *self._checked.remarks) if self._checked else ()

    # ----------------------------------------------------------------------------- saving
    def action_save(self) -> None:
        """Write the file, then check it."""
        language, text = self.medic.language, self.query_one(TextArea).text
        if self._read() not in (self._text, text) and not self._warned:
            self._warned = True
            self.notify(texts.CHANGED_ON_DISK.get(language), severity="warning", markup=False)
            return
        try:
            write_atomically(self._path, text)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            said = texts.NOT_SAVED.get(language).format(path=self._path, why=why)
            self.notify(said, severity="error", markup=False, timeout=8)
            return
        self._text, self._warned = text, False
        self._checked, self._state = None, texts.CHECKING
        self._tell(language)
        self._check()

    @work(thread=True, exclusive=True, group="check", exit_on_error=False)
    def _check(self) -> None:
        source = self.medic.source()
        source.refresh()
        self.post_message(self.Was(check_saved(source, self._path, self._document)))

    @on(Was)
    def _was(self, message: Was) -> None:
        self._checked = message.checked
        self._tell(self.medic.language)
        if not message.checked.broken:
            self.medic.rules_changed()

    @on(OptionList.OptionSelected)
    def _go_to(self, event: OptionList.OptionSelected) -> None:
        if self._checked is not None:
            line, _ = self._lines[event.option_index]
            area = self.query_one(TextArea)
            area.move_cursor((max(line - 1, 0), 0), center=True)
            area.focus()

    def action_leave(self) -> None:
        """Close; changes that are not saved are kept until a second time."""
        changed = self.query_one(TextArea).text != self._text
        if changed and not self._warned:
            self._warned = True
            said = texts.UNSAVED.get(self.medic.language)
            self.notify(said, severity="warning", markup=False)
            return
        self.dismiss()
