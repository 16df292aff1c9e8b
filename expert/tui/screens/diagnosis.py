"""The diagnosis screen: findings and their fixes, and everything else that was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text as RichText
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import (
    DataTable,
    Footer,
    OptionList,
    RichLog,
    Static,
    TabbedContent,
    TabPane,
)

from expert.language import Language
from expert.tui import strings
from expert.tui.outline import fired
from expert.tui.phrases import origin_text, plain, value_text
from expert.tui.screens.conclusions import healthy, ruled_out, symptoms
from expert.tui.screens.talking import TalkingScreen
from expert.tui.sessions.session import Session
from expert.tui.texts import diagnosis as texts
from expert.tui.texts import walk as walk_texts
from expert.tui.widgets.finding_detail import FindingDetail, finding_parts
from expert.tui.widgets.finding_list import FindingList
from expert.tui.widgets.fix_card import FixCard
from expert.tui.widgets.plots import Plots
from expert.tui.widgets.probe_list import ProbeList
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis
    from expert.tui.reasoning import Reasoned

TABS = ("findings", "plots", "symptoms", "ruled-out", "measured", "checked", "printed")


class DiagnosisScreen(TalkingScreen[None]):
    """Read what was concluded, and why; try the fix."""

    NAME = strings.DIAGNOSIS
    EXPLANATION = strings.DIAGNOSIS_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "try_fix", "Try it", id="try"),
        Binding("a", "ask", "Questions", id="ask"),
        Binding("h", "how", "How", id="how"),
        Binding("w", "what_if", "What if", id="what-if"),
        Binding("y", "copy_fix", "Copy fix", show=False, id="copy"),
        Binding("x", "export", "Export", id="export"),
        Binding("r", "again", "Again", show=False, id="again"),
        Binding("c", "compare", "Compare", show=False, id="compare"),
        Binding("escape", "back", "Back", show=False, id="back"),
        Binding("right_square_bracket", "step_tab(1)", "Next tab", show=False, key_display="]"),
        Binding("left_square_bracket", "step_tab(-1)", "Previous tab", show=False, key_display="["),
        *(Binding(str(n), f"tab({n - 1})", "Go to tab", show=False) for n in range(1, 8)),
    ]
    AUTO_FOCUS = "FindingList"

    class Concluded(Message):
        """What follows from the session."""

        def __init__(self, reasoned: Reasoned, *, may_ask: bool) -> None:
            super().__init__()
            self.reasoned = reasoned
            self.may_ask = may_ask

    class Failed(Message):
        """Nothing could be concluded."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.reasoned: Reasoned | None = None
        self._may_ask = False
        self._detailed: tuple[str, Language] | None = None  # what the right half shows

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis, once it is made."""
        return self.reasoned.diagnosis if self.reasoned else None

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="banner", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("", id="findings"), Horizontal():
                yield FindingList(id="finding-list")
                yield FindingDetail(id="detail")
            with TabPane("", id="plots"):
                yield Plots(id="plots-text")
            with TabPane("", id="symptoms"):
                yield VerticalScroll(Prose(id="symptoms-text"))
            with TabPane("", id="ruled-out"):
                yield VerticalScroll(Prose(id="ruled-out-text"))
            with TabPane("", id="measured"):
                yield DataTable(id="facts", cursor_type="row", zebra_stripes=True)
            with TabPane("", id="checked"):
                yield ProbeList(id="checked-probes")
            with TabPane("", id="printed"):
                yield RichLog(id="printed-text", wrap=True, markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill in what the user's code printed, and conclude."""
        log = self.query_one("#printed-text", RichLog)
        for line in self.session.output:
            log.write(RichText(line))
        tabs = self.query_one(TabbedContent)
        if not self.session.output:
            tabs.hide_tab("printed")
        if not self.session.probes:
            tabs.hide_tab("checked")
        self._conclude()

    # ------------------------------------------------------------------------ reasoning
    def reason_again(self) -> None:
        """Conclude anew from the edited rules."""
        self._conclude()

    def fired(self) -> dict[str, float]:
        """Return the rules that fired, with what each said."""
        return fired(self.diagnosis) if self.diagnosis is not None else {}

    @work(thread=True, exclusive=True, group="conclude", exit_on_error=False)
    def _conclude(self) -> None:
        try:
            reasoned = self.medic.conclude(self.session)
            self.post_message(self.Concluded(reasoned, may_ask=False))
            may_ask = reasoned.questionnaire.next() is not None
            self.post_message(self.Concluded(reasoned, may_ask=may_ask))
        except Exception as error:
            self.post_message(self.Failed(error))

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        self.medic.explain(message.error, None)

    @on(Concluded)
    def _concluded(self, message: Concluded) -> None:
        known = self.reasoned is message.reasoned
        self.reasoned, self._may_ask = message.reasoned, message.may_ask
        if known:
            self._show_banner(self.medic.language)
        else:
            self._detailed = None
            before = self.session.headline, self.session.certainty
            self.session.conclude(message.reasoned.diagnosis)
            if before != (self.session.headline, self.session.certainty):
                self.medic.save(self.session)
            self.speak(self.medic.language)
        self.refresh_bindings()

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        session = self.session
        step = "cure" if session.follows else "diagnose"
        title = session.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title, step=step)
        self._label_tabs(language)
        self._show_banner(language)
        if self.diagnosis is None:
            return
        diagnosis = self.diagnosis
        self.query_one(FindingList).show(diagnosis, language)
        titles = self.medic.titles.conclusions
        told = (*diagnosis.findings, *diagnosis.suspects)
        fixes = {fix.trial: fix.title for one in told for fix in one.fixes if fix.trial}
        self.query_one(Plots).show(diagnosis.facts, session.curves, language, fixes)
        self.query_one("#symptoms-text", Prose).show(symptoms(diagnosis, titles, language))
        self.query_one("#ruled-out-text", Prose).show(ruled_out(diagnosis, titles, language))
        self.query_one("#checked-probes", ProbeList).show(session.probes, language)
        self._fill_facts(language)

    def _label_tabs(self, language: Language) -> None:
        diagnosis = self.diagnosis
        tabs = self.query_one(TabbedContent)
        for id_, text, count in (
            ("findings", strings.FINDINGS, len(diagnosis.findings) if diagnosis else 0),
            ("plots", texts.PLOTS, None),
            ("symptoms", strings.SYMPTOMS, len(diagnosis.symptoms) if diagnosis else 0),
            ("ruled-out", strings.RULED_OUT, len(diagnosis.ruled_out) if diagnosis else 0),
            ("measured", strings.MEASURED, len(diagnosis.facts) if diagnosis else 0),
            ("checked", strings.CHECKED, len(self.session.probes)),
            ("printed", strings.PRINTED, None),
        ):
            shown = text.get(language) if count is None else f"{text.get(language)} {count}"
            tabs.get_tab(id_).label = Content(shown)

    def _show_banner(self, language: Language) -> None:
        banner = self.query_one("#banner", Static)
        said = self._remark(language)
        banner.display = bool(said)
        banner.update(Content(said))

    def _remark(self, language: Language) -> str:
        session = self.session
        if self.diagnosis is None:
            return walk_texts.THINKING.get(language)
        if session.probes and not session.complete:
            done = sum(probe.status == "done" for probe in session.probes)
            said = strings.STOPPED_EARLY.get(language)
            return "! " + said.format(done=done, total=len(session.probes))
        if session.follows is not None:
            return "⇄ " + strings.CAN_COMPARE.get(language)
        return self._next_step(self.diagnosis, language)

    def _next_step(self, diagnosis: Diagnosis, language: Language) -> str:
        """Return what a person can do next to be rid of the finding, or to be surer of it."""
        fixes = [fix for finding in diagnosis.findings for fix in finding.fixes]
        if any(fix.tried is not None and fix.tried.improved for fix in fixes):
            return "✓ " + walk_texts.HEALS.get(language)
        if diagnosis.findings and self._can_try():
            said = "→ " + walk_texts.TRY_IT.get(language)
            return said + walk_texts.OR_ASK.get(language) if self._may_ask else said
        if self._may_ask:
            return "? " + walk_texts.COULD_STILL_ASK.get(language)
        if fixes and self.session.subject.can_be_probed:
            return "→ " + walk_texts.CHANGE_IT.get(language)
        return ""

    def _fill_facts(self, language: Language) -> None:
        table = self.query_one("#facts", DataTable)
        table.clear(columns=True)
        for heading in (strings.NAME, strings.VALUE, strings.ORIGIN):
            table.add_column(heading.get(language))
        for fact in self.diagnosis.facts if self.diagnosis else ():
            cells = (fact.name, value_text(fact), origin_text(fact.origin, language))
            table.add_row(*(RichText(plain(cell)) for cell in cells))

    # ------------------------------------------------------------------- the right half
    @on(OptionList.OptionHighlighted)
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        language = self.medic.language
        if event.option.id is not None and self._detailed != (event.option.id, language):
            self._detailed = event.option.id, language
            await self.query_one(FindingDetail).show(self._parts(language))

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.query_one(FindingDetail).focus()

    def _parts(self, language: Language) -> list[Widget]:
        finding = self.query_one(FindingList).finding
        if finding is None and self.diagnosis is not None:
            return [Prose(healthy(self.diagnosis, self.session.probes, language))]
        return finding_parts(finding, self.medic.titles, language) if finding else []

    # --------------------------------------------------------------------------- actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done with this session."""
        if action == "try_fix":
            return True if self._can_try() else None
        if action == "ask":
            return True if self._may_ask or self.session.answers else None
        if action == "again":
            return True if self.session.subject.kind != "symptoms" else None
        if action == "compare":
            return True if self.session.follows is not None else None
        return True

    def _can_try(self) -> bool:
        if self.diagnosis is None or not self.session.subject.can_be_probed:
            return False
        told = (*self.diagnosis.findings, *self.diagnosis.suspects)
        tried = any(fix.trial for finding in told for fix in finding.fixes)
        return tried and self.medic.services.try_fixes is not None

    def action_try_fix(self) -> None:
        """Try the focused fix on a copy; without one, the first that can be tried."""
        from expert.tui.screens.trial import TrialScreen, trials_of

        finding = self.query_one(FindingList).finding
        if self.diagnosis is None or not self._can_try():
            return
        told = [*self.diagnosis.findings, *self.diagnosis.suspects]
        first = [finding] if finding is not None else []
        proposed = trials_of([*first, *(f for f in told if f is not finding)])
        card = self.query_one(FindingDetail).chosen_fix()
        if card is not None and card.has_focus and card.fix.trial:
            proposed.sort(key=lambda p: p.trial != card.fix.trial)
        self.app.push_screen(TrialScreen(self.session, proposed))

    def action_ask(self) -> None:
        """Ask what still matters."""
        self.medic.ask(self.session)

    def action_how(self) -> None:
        """Explain the highlighted finding, or why another cause is none."""
        from expert.tui.screens.explanation import ExplanationScreen

        finding = self.query_one(FindingList).finding
        if self.reasoned is not None:
            cause = finding.cause if finding else None
            self.app.push_screen(ExplanationScreen(self.reasoned, cause))

    def action_what_if(self) -> None:
        """Try other values of what was measured or answered."""
        from expert.tui.screens.what_if import WhatIfScreen

        if self.reasoned is not None:
            self.app.push_screen(WhatIfScreen(self.reasoned))

    def action_export(self) -> None:
        """Write the diagnosis to a file."""
        from expert.tui.screens.export import ExportDialog

        if self.diagnosis is not None:
            self.app.push_screen(ExportDialog(self.session, self.diagnosis))

    def action_copy_fix(self) -> None:
        """Copy the code of the focused fix, or of the first one."""
        card = self.query_one(FindingDetail).chosen_fix()
        self._copy(card)

    @on(FixCard.CopyAsked)
    def _copy_asked(self, event: FixCard.CopyAsked) -> None:
        self._copy(event.card)

    def _copy(self, card: FixCard | None) -> None:
        self.medic.copy(card.fix.code if card is not None else None)

    def action_again(self) -> None:
        """Examine the same case again, to compare it with this."""
        self.medic.resume(self.session.successor())

    def action_compare(self) -> None:
        """Compare with the session before the change."""
        self.medic.compare_with_before(self.session)

    def action_back(self) -> None:
        """Step back: from the detail to the list, from a tab to the findings, then to the start."""
        tabs, list_ = self.query_one(TabbedContent), self.query_one(FindingList)
        if tabs.active != "findings":
            tabs.active = "findings"
            list_.focus()
        elif self.focused is not None and self.query_one(FindingDetail) in (
            self.focused,
            *self.focused.ancestors,
        ):
            list_.focus()
        else:
            self.medic.back_to_start()

    def action_tab(self, index: int) -> None:
        """Show the tab at `index` and go into it."""
        shown = self._tabs_shown()
        if index < len(shown):
            self._go_to(shown[index])

    def action_step_tab(self, step: int) -> None:
        """Show the next or previous tab."""
        shown = self._tabs_shown()
        at = shown.index(self.query_one(TabbedContent).active)
        self._go_to(shown[(at + step) % len(shown)])

    def _tabs_shown(self) -> list[str]:
        hidden = {"printed": not self.session.output, "checked": not self.session.probes}
        return [id_ for id_ in TABS if not hidden.get(id_, False)]

    def _go_to(self, id_: str) -> None:
        tabs = self.query_one(TabbedContent)
        tabs.active = id_
        inside = tabs.get_pane(id_).query("FindingList, VerticalScroll, DataTable, RichLog")
        if inside:
            inside.first(Widget).focus()
