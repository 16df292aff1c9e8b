"""HOW was this concluded, and WHY NOT that: every rule as a tree down to the measured values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from expert.language import Language
from expert.tui.phrases import bar, certainty_style, lines, plain, value_text
from expert.tui.screens.talking import TalkingScreen
from expert.tui.texts import diagnosis as texts
from expert.tui.widgets.panes import VI_KEYS
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import Row, row, wrapped

if TYPE_CHECKING:
    from expert.inference.explain import ConditionTrace, Explanation, RuleTrace
    from expert.tui.reasoning import Reasoned

_SIGNS = {True: ("✓ ", "$success"), False: ("✗ ", "$error"), None: ("? ", "$foreground 60%")}
_MUTED = "$foreground 60%"
_LEAD = 7  # cells before a title in the list


class ConclusionList(OptionList):
    """All causes and symptoms, those that are known first."""

    BINDINGS: ClassVar[list[BindingType]] = [*VI_KEYS]


class ExplanationScreen(TalkingScreen[None]):
    """Look up any conclusion."""

    NAME = texts.EXPLANATION
    EXPLANATION = texts.EXPLANATION_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="search"),
        Binding("escape", "leave", "Back", id="back"),
    ]
    AUTO_FOCUS = "ConclusionList"

    class Explained(Message):
        """What there is to say about a conclusion."""

        def __init__(self, explanation: Explanation) -> None:
            super().__init__()
            self.explanation = explanation

    def __init__(self, reasoned: Reasoned, conclusion: str | None) -> None:
        super().__init__()
        self._reasoned = reasoned
        self._wanted = conclusion
        self._explanation: Explanation | None = None
        self._ids = _by_certainty(reasoned)

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with Horizontal(id="explaining"):
            with Vertical(id="lookup"):
                yield Input(id="lookup-text", select_on_focus=False)
                yield ConclusionList(id="conclusions", markup=False)
            with Vertical(id="explained"):
                yield Static(id="explained-head", markup=False)
                with VerticalScroll(id="explained-rules"):
                    yield Prose(id="explained-text")
        yield Footer(show_command_palette=False)

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        self.query_one(TitleBar).speak(language, self.NAME.get(language))
        self.query_one("#lookup-text", Input).placeholder = texts.SEARCH_CAUSES.get(language)
        self._list()
        self._show(language)

    def _list(self) -> None:
        language, list_ = self.medic.language, self.query_one(ConclusionList)
        wanted = self.query_one("#lookup-text", Input).value.strip().lower()
        knowledge, certainty = self._reasoned.questionnaire.knowledge, _certainties(self._reasoned)
        every = {**knowledge.causes, **knowledge.symptoms}
        titles = self.medic.titles.conclusions
        width = max(list_.scrollable_content_region.width - 2, 16)
        list_.clear_options()
        for id_ in self._ids:
            if id_ not in every:
                continue
            title = titles[id_] if id_ in titles else every[id_].title.text
            if wanted and wanted not in f"{id_} {title.en} {title.zh}".lower():
                continue
            entry = _entry(title.get(language), certainty.get(id_))
            list_.add_option(Option(lines(wrapped(entry, width, _LEAD)), id=id_))
        shown = [option.id for option in list_.options]
        if shown:
            list_.highlighted = shown.index(self._wanted) if self._wanted in shown else 0

    def on_resize(self) -> None:
        """Wrap the list at the new width."""
        self.call_after_refresh(self._list)

    # --------------------------------------------------------------------------- choosing
    @on(Input.Changed)
    def _typed(self) -> None:
        self._list()

    @on(Input.Submitted)
    def _found(self) -> None:
        self.query_one(ConclusionList).focus()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is not None:
            self._wanted = event.option.id
            self._explain(event.option.id)

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one("#explained-rules").focus()

    @work(thread=True, exclusive=True, group="explain", exit_on_error=False)
    def _explain(self, id_: str) -> None:
        from expert.inference.explain import explain

        asking = self._reasoned.questionnaire
        self.post_message(self.Explained(explain(asking.observations, asking.knowledge, id_)))

    @on(Explained)
    def _explained(self, message: Explained) -> None:
        self._explanation = message.explanation
        self._show(self.medic.language)

    # ---------------------------------------------------------------------------- showing
    def _show(self, language: Language) -> None:
        explanation = self._explanation
        if explanation is None:
            return
        self.query_one("#explained-head", Static).update(_head(explanation, language))
        rows = [part for rule in explanation.rules for part in _rule(rule, language)]
        self.query_one("#explained-text", Prose).show(rows)
        self.query_one("#explained-rules").scroll_home(animate=False)

    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#lookup-text").focus()

    def action_leave(self) -> None:
        """Go back: from the tree to the list, then to the diagnosis."""
        list_ = self.query_one(ConclusionList)
        if self.focused is list_ or self.focused is None:
            self.dismiss()
        else:
            list_.focus()


def _by_certainty(reasoned: Reasoned) -> list[str]:
    """Return all conclusions: findings, suspects, symptoms, what is ruled out, then the rest."""
    diagnosis, knowledge = reasoned.diagnosis, reasoned.questionnaire.knowledge
    known = [
        *(f.cause for f in diagnosis.findings),
        *(f.cause for f in diagnosis.suspects),
        *(s.id for s in diagnosis.symptoms),
        *(r.cause for r in diagnosis.ruled_out),
    ]
    return list(dict.fromkeys([*known, *knowledge.causes, *knowledge.symptoms]))


def _certainties(reasoned: Reasoned) -> dict[str, float]:
    diagnosis = reasoned.diagnosis
    return {
        **{f.cause: f.certainty for f in (*diagnosis.findings, *diagnosis.suspects)},
        **{s.id: s.certainty for s in diagnosis.symptoms},
        **{r.cause: r.certainty for r in diagnosis.ruled_out},
    }


def _entry(title: str, certainty: float | None) -> Content:
    if certainty is None:
        return Content.assemble(("   ·   ", "$foreground 45%"), (plain(title), "$foreground 60%"))
    style = "$success" if certainty < 0 else certainty_style(certainty)
    return Content.assemble((f"{certainty:+.2f}  ", style), plain(title))


def _head(explanation: Explanation, language: Language) -> Content:
    title = Content.styled(plain(explanation.title.get(language)), "bold")
    certainty = explanation.certainty
    if certainty is None:
        state = Content.styled(texts.NOT_KNOWN.get(language), "$foreground 60%")
    else:
        style = "$success" if certainty < 0 else certainty_style(certainty)
        state = Content.assemble(bar(abs(certainty), 12, style), f" {certainty:+.2f}")
    parts = [title, state]
    if explanation.missing:
        names = ", ".join(explanation.missing[:3])
        said = texts.MISSING.get(language).format(names=plain(names))
        parts.append(Content.styled(said, "$foreground 60%"))
    if not explanation.rules:
        parts.append(Content(texts.NO_RULE.get(language)))
    return Content("\n").join(parts)


def _rule(rule: RuleTrace, language: Language) -> Iterator[Row]:
    """Yield a rule as a tree: what it says, its condition, the values seen at the leaves."""
    if rule.fired:
        style = "bold $error" if rule.certainty > 0 else "bold $success"
        reason = plain(rule.reason.get(language)) if rule.reason else rule.id
        yield row(Content.assemble((f"{rule.certainty:+.2f} ", style), (reason, "bold")), 6)
    else:
        would = f"({texts.WOULD_SAY.get(language)} {rule.certainty:+.2f}) "
        name = rule.id.partition("/")[2]
        yield row(Content.styled(would + plain(name), _MUTED), 6)
    yield from _condition(rule.condition, "", last=True)
    yield row()


def _condition(trace: ConditionTrace, guide: str, *, last: bool) -> Iterator[Row]:
    lead = f"{guide}{'└' if last else '├'} "
    parts: list[str | tuple[str, str]] = [(lead, "$foreground 30%"), _SIGNS[trace.truth]]
    parts.append(plain(trace.text))
    for seen in trace.saw:
        named = seen.name in trace.text
        parts.append(("  → " if named else f"  {plain(seen.name)} = ", _MUTED))
        parts.append((value_text(seen), "$primary"))
    yield row(Content.assemble(*parts), len(lead) + 2)
    inner = f"{guide}{'  ' if last else '│ '}"
    for i, part in enumerate(trace.parts):
        yield from _condition(part, inner, last=i == len(trace.parts) - 1)
