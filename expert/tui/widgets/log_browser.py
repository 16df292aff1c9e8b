"""A list of the folders and logs in a folder: enter goes into one, or reads the other."""

from __future__ import annotations

import os
import shlex
from time import time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from expert.language import Language
from expert.tui.phrases import plain
from expert.tui.texts import start as texts
from expert.tui.widgets.ago import ago

if TYPE_CHECKING:
    from probes.logs.finding import Entry

_SIZES = ("B", "kB", "MB", "GB", "TB")


class FileList(OptionList):
    """What is in the folder."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "select", "Open", key_display="⏎"),
        Binding("backspace,left", "up", "Folder above", show=False),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def action_up(self) -> None:
        """Go to the folder above."""
        self.post_message(LogBrowser.Up())


class LogBrowser(Vertical):
    """Browses folders for logs."""

    class Picked(Message):
        """A log was chosen; `place` is written as in a shell."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    class Up(Message):
        """The folder above was asked for."""

    class Listed(Message):
        """What is in a folder; None where it cannot be read."""

        def __init__(self, folder: str, entries: list[Entry] | None, come_from: str) -> None:
            super().__init__()
            self.folder = folder
            self.entries = entries
            self.come_from = come_from

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folder = ""
        self._entries: list[Entry] = []
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(classes="browsed", markup=False)
        yield FileList(markup=False)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self._language = language
        self._show(None)

    def open_here(self) -> None:
        """List the folder that torchmedic was started in, the first time this is seen."""
        if not self._folder:
            self._list(os.getcwd(), "")

    @work(thread=True, exclusive=True, group="browse", exit_on_error=False)
    def _list(self, folder: str, come_from: str) -> None:
        from probes.logs.finding import entries_of  # not before the first frame

        try:
            found = entries_of(folder)
        except OSError:
            self.post_message(self.Listed(folder, None, come_from))
        else:
            self.post_message(self.Listed(folder, found, come_from))

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        event.stop()
        if event.entries is None:
            said = texts.FOLDER_UNREADABLE.get(self._language)
            self.notify(said.format(path=event.folder), severity="warning", markup=False)
            return
        self._folder, self._entries = event.folder, event.entries
        self._show(event.come_from)

    def _show(self, come_from: str | None) -> None:
        if not self._folder:
            return
        list_ = self.query_one(FileList)
        before = list_.highlighted or 0
        self.query_one(Static).update(self._heading())
        list_.clear_options()
        list_.add_option(Option(Content.styled("../", "$foreground 60%")))
        list_.add_options([Option(self._label(entry)) for entry in self._entries])
        if come_from is None:
            list_.highlighted = min(before, len(self._entries))
            return
        names = [entry.name for entry in self._entries]
        first = min(1, len(names))  # beside the way up, the first thing in it
        list_.highlighted = names.index(come_from) + 1 if come_from in names else first

    def _heading(self) -> Content:
        home, shown = os.path.expanduser("~"), self._folder
        if shown == home or shown.startswith(home + os.sep):
            shown = "~" + shown[len(home) :]
        text = texts.LOGS_IN if any(not e.is_folder for e in self._entries) else texts.NO_LOGS_IN
        said = text.get(self._language).format(folder=plain(shown))
        return Content.styled(said, "$foreground 60%")

    def _label(self, entry: Entry) -> Content:
        if entry.is_folder:
            return Content.assemble((plain(entry.name), "bold"), ("/", "$foreground 60%"))
        told = f"  {_size(entry.size)}  {ago(time() - entry.changed, self._language)}"
        return Content.assemble(plain(entry.name), (told, "$foreground 60%"))

    @on(Up)
    def _up(self, event: Up) -> None:
        event.stop()
        above, name = os.path.split(self._folder)
        if name:
            self._list(above, name)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_index == 0:
            self.post_message(self.Up())
            return
        entry = self._entries[event.option_index - 1]
        path = os.path.join(self._folder, entry.name)
        if entry.is_folder:
            self._list(path, "")
        else:
            self.post_message(self.Picked(shlex.quote(_short(path))))


def _short(path: str) -> str:
    """Return a path as seen from here where it lies below, else the whole."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def _size(size: float) -> str:
    for unit in _SIZES:
        if size < 1000 or unit == _SIZES[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
