"""The choices of a question, with small drawings where there are some; taken by number too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from expert.language import Language, Text
from expert.tui import sketches
from expert.tui.phrases import lines, plain
from expert.tui.texts import walk as texts
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.wrapping import wrapped

if TYPE_CHECKING:
    from expert.knowledge.schema import Answer, Question

SKIP = "skip"  # the id of the entry that leaves the question out


class Choices(OptionList):
    """Lets a person choose an answer; `Chosen` carries its id, None for "I don't know"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose"),
        *(Binding(str(n), f"take({n - 1})", "Choose", show=False) for n in range(1, 10)),
        *VI_KEYS,
    ]

    class Chosen(Message):
        """An answer was chosen."""

        def __init__(self, choice: str | None, *, skipped: bool = False) -> None:
            super().__init__()
            self.choice = choice
            self.skipped = skipped

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._entries: list[tuple[str | None, Text, bool]] = []  # id, text, is it the present one
        self._drawings: list[list[Content] | None] = []
        self._language: Language = "en"

    def ask(self, question: Question, present: str | None, *, skip: Text | None) -> None:
        """Offer the answers to `question`; `present` is the one given before."""
        answers = [a for a in question.choices if a.sets]
        ignorant = next((a for a in question.choices if not a.sets), None)
        unknown = ignorant.text.text if ignorant else texts.DONT_KNOW
        self._entries = [(a.answer, a.text.text, a.answer == present) for a in answers]
        self._entries.append((None, unknown, False))
        self._drawings = _drawings(answers)
        if skip is not None:
            self._entries.insert(0, (SKIP, skip, False))
            self._drawings.insert(0, sketches.blank() if any(self._drawings) else None)
        self._fill()
        chosen = [i for i, (_, _, now) in enumerate(self._entries) if now]
        self.highlighted = chosen[0] if chosen else 0
        self.scroll_home(animate=False)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self._language = language
        before = self.highlighted
        self._fill()
        self.highlighted = before

    def on_resize(self, event: Resize) -> None:
        """Wrap again at the new width."""
        self.speak(self._language)

    def _fill(self) -> None:
        width = max(self.scrollable_content_region.width - 2, 16)
        self.clear_options()
        pairs = zip(self._entries, self._drawings, strict=True)
        self.add_options([Option(self._entry(i, *pair, width)) for i, pair in enumerate(pairs)])

    def _entry(
        self,
        index: int,
        entry: tuple[str | None, Text, bool],
        drawing: list[Content] | None,
        width: int,
    ) -> Content:
        _, text, now = entry
        number = f"{index + 1} " if index < 9 else "  "
        said = Content(plain(text.get(self._language)))
        if now:
            note = texts.PRESENT_ANSWER.get(self._language)
            said = Content.assemble(said, (f"  ← {note}", "$accent"))
        if drawing is None:
            head = Content.assemble((number, "$foreground 60%"), said)
            return lines(wrapped(head, width, len(number)))
        room = width - sketches.WIDTH - 5
        told = wrapped(said, max(room, 8))
        rows = []
        for i in range(max(len(drawing), len(told))):
            left = drawing[i] if i < len(drawing) else Content(" " * sketches.WIDTH)
            right = told[i] if i < len(told) else Content("")
            lead = number if i == 0 else "  "
            rows.append(Content.assemble((lead, "$foreground 60%"), left, "  ", right))
        return lines(rows)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which answer was chosen."""
        event.stop()
        self.action_take(event.option_index)

    def action_take(self, index: int) -> None:
        """Choose the answer at `index`."""
        if index < len(self._entries):
            id_ = self._entries[index][0]
            skipped = id_ == SKIP and index == 0
            self.post_message(self.Chosen(None if skipped else id_, skipped=skipped))


def _drawings(answers: list[Answer]) -> list[list[Content] | None]:
    """Return the drawing of each answer and of "I don't know"; none where no answer has one."""
    found = [sketches.drawing(answer.sets) for answer in answers]
    if not any(found):
        return [None] * (len(answers) + 1)
    return [*(drawing or sketches.blank() for drawing in found), sketches.blank()]
