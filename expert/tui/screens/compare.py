"""Two sessions side by side: what is gone, left and new, and what was measured otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer

from expert.language import Language, Text
from expert.observation import Observation
from expert.report.curves import points_of
from expert.tui.phrases import bar, certainty_style, heading, plain, value_text
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.curves import BASELINE, TRIAL, Point
from expert.tui.sessions.session import Session
from expert.tui.texts import sessions as texts
from expert.tui.texts import walk as walk_texts
from expert.tui.widgets.curve_view import CurveView
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.ranking import certainties
from expert.tui.widgets.title_bar import TitleBar
from expert.tui.wrapping import Row, row

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis, Finding

_BAR = 8
_FACTS = 40
_OF_THE_MACHINE = "hardware."  # changes from run to run by itself
_NOTABLE = 0.05  # relative: a smaller change of a measured number is not told


class CompareScreen(TalkingScreen[None]):
    """Before and after a fix."""

    NAME = texts.COMPARE
    EXPLANATION = texts.COMPARE_HELP
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Back", id="back")]
    AUTO_FOCUS = "VerticalScroll"

    class Concluded(Message):
        """What follows from either session."""

        def __init__(self, before: Diagnosis, after: Diagnosis) -> None:
            super().__init__()
            self.before = before
            self.after = after

    class Failed(Message):
        """Nothing could be concluded."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, before: Session, after: Session) -> None:
        super().__init__()
        self.before, self.after = before, after
        self._both: tuple[Diagnosis, Diagnosis] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        with VerticalScroll(id="comparison"):
            yield Prose(id="comparison-text")
            yield CurveView(id="comparison-chart")
            yield Prose(id="comparison-facts")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Conclude both."""
        self._conclude()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _conclude(self) -> None:
        try:
            before = self.medic.conclude(self.before).diagnosis
            after = self.medic.conclude(self.after).diagnosis
            self.post_message(self.Concluded(before, after))
        except Exception as error:
            self.post_message(self.Failed(error))

    def reason_again(self) -> None:
        """Conclude anew from the edited rules."""
        self._conclude()

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        self.medic.explain(message.error, None)

    @on(Concluded)
    def _concluded(self, message: Concluded) -> None:
        self._both = message.before, message.after
        self.speak(self.medic.language)

    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        title = self.after.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title)
        text = self.query_one("#comparison-text", Prose)
        if self._both is None:
            text.show([row(walk_texts.THINKING.get(language))])
        else:
            text.show(list(self._rows(*self._both, language)))
            facts = list(_changed_rows(*self._both, language))
            self.query_one("#comparison-facts", Prose).show(facts)
        self._draw(language)

    def _draw(self, language: Language) -> None:
        """Draw both losses: of the short runs, else of the trial that led from one to the other."""
        pairs = _both_losses(self.before, self.after)
        view = self.query_one(CurveView)
        view.display = all(points for _, points, _ in pairs)
        view.show([(name.get(language), points, style) for name, points, style in pairs])

    def _rows(self, before: Diagnosis, after: Diagnosis, language: Language) -> Iterator[Row]:
        yield row(_verdict(before, after, language))
        if self.after.treated:
            told = (*before.findings, *before.suspects)
            titles = {fix.trial: fix.title for one in told for fix in one.fixes if fix.trial}
            names = [titles[t].get(language) if t in titles else t for t in self.after.treated]
            said = texts.TREATED_WITH.get(language).format(names=", ".join(names))
            yield row(Content.styled(plain(said), "$foreground 60%"))
        yield row()
        yield from _findings(before, after, language)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()


def _verdict(before: Diagnosis, after: Diagnosis, language: Language) -> Content:
    was = {finding.cause for finding in before.findings}
    now = {finding.cause for finding in after.findings}
    if not now:
        text = texts.CURED if was else texts.HEALTHY_BOTH
        return Content.styled("✓ " + text.get(language), "bold $success")
    said = texts.LEFT_OVER.get(language).format(
        gone=len(was - now), left=len(was & now), new=len(now - was)
    )
    return Content.styled(said, "bold $warning")


def _findings(before: Diagnosis, after: Diagnosis, language: Language) -> Iterator[Row]:
    was, now = certainties(before), certainties(after)
    every: dict[str, Finding] = {f.cause: f for f in (*after.findings, *before.findings)}
    groups: dict[str, list[Finding]] = {}
    for cause, finding in every.items():
        groups.setdefault(_group(was.get(cause, 0.0), now.get(cause, 0.0)), []).append(finding)
    sections: tuple[tuple[str, Text, str], ...] = (
        ("new", texts.NEW, "$error"),
        ("same", texts.SAME, "$warning"),
        ("better", texts.BETTER, "$accent"),
        ("gone", texts.GONE, "$success"),
    )
    for id_, title, style in sections:
        if id_ not in groups:
            continue
        yield row(Content.styled(title.get(language), f"bold {style}"))
        for finding in groups[id_]:
            yield row(Content(plain(finding.title.get(language))), 2)
            yield row(_change(was.get(finding.cause, 0.0), now.get(finding.cause, 0.0), language))
        yield row()


def _group(was: float, now: float) -> str:
    if now < 0.5:
        return "gone" if now < 0.2 else "better"
    return "new" if was < 0.5 else "same"


def _change(was: float, now: float, language: Language) -> Content:
    return Content.assemble(
        f"  {texts.BEFORE.get(language)} ",
        bar(was, _BAR, certainty_style(was)),
        f" {was:.2f}   {texts.AFTER.get(language)} ",
        bar(now, _BAR, certainty_style(now)),
        f" {now:.2f}",
    )


def _facts(
    before: tuple[Observation, ...], after: tuple[Observation, ...]
) -> Iterator[tuple[Observation, Observation]]:
    """Yield the single values that differ notably, as (before, after)."""
    known = {fact.name: fact for fact in before}
    for fact in after:
        old = known.get(fact.name)
        if fact.name.startswith(_OF_THE_MACHINE):
            continue
        if old is None or isinstance(fact.value, tuple) or isinstance(old.value, tuple):
            continue
        if _differ(old.value, fact.value):
            yield old, fact


def _changed_rows(before: Diagnosis, after: Diagnosis, language: Language) -> Iterator[Row]:
    """Yield what was measured differently, what findings rest on first."""
    findings = (*before.findings, *after.findings)
    rested = {fact.name for one in findings for piece in one.evidence for fact in piece.facts}
    changed = list(_facts(before.facts, after.facts))
    changed.sort(key=lambda pair: pair[1].name not in rested)
    if changed:
        yield row(heading(texts.FACTS_CHANGED.get(language)))
    for old, new in changed[:_FACTS]:
        values = f"  {value_text(old)} → ", (value_text(new), "$primary")
        yield row(Content.assemble((plain(new.name), "$foreground 60%"), *values), 4)


def _both_losses(
    before: Session, after: Session
) -> tuple[tuple[Text, Sequence[Point], str], tuple[Text, Sequence[Point], str]]:
    runs = [
        next((points_of(fact) for fact in session.measured if fact.name == "run.losses"), ())
        for session in (before, after)
    ]
    if not all(runs) and after.treated:
        treated = before.curves.get(f"{TRIAL}{after.treated[-1]}", [])
        runs = [tuple(before.curves.get(BASELINE, [])), tuple(treated)]
    return (texts.BEFORE, runs[0], "$error"), (texts.AFTER, runs[1], "$success")


def _differ(old: bool | int | float | str, new: bool | int | float | str) -> bool:
    numbers = isinstance(old, (int, float)) and isinstance(new, (int, float))
    if not numbers or isinstance(old, bool) or isinstance(new, bool):
        return old != new
    assert isinstance(old, (int, float))
    assert isinstance(new, (int, float))
    if old != old or new != new:
        return repr(old) != repr(new)
    return abs(new - old) > _NOTABLE * max(abs(old), abs(new))
