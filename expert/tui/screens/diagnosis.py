"""The diagnosis screen: findings and their fixes, and everything else that was looked at."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text as RichText
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
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
from expert.tui.outcome import Outcome
from expert.tui.phrases import origin_text, plain, value_text
from expert.tui.screens.conclusions import healthy, ruled_out, symptoms
from expert.tui.screens.talking import TalkingScreen
from expert.tui.widgets.finding_detail import FindingDetail, finding_parts
from expert.tui.widgets.finding_list import FindingList
from expert.tui.widgets.fix_card import FixCard
from expert.tui.widgets.probe_list import ProbeList
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.title_bar import TitleBar

TABS = ("findings", "symptoms", "ruled-out", "measured", "checked", "printed")


class DiagnosisScreen(TalkingScreen):
    """Read what was concluded, and why."""

    NAME = strings.DIAGNOSIS
    EXPLANATION = strings.DIAGNOSIS_HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_fix", "Copy fix"),
        Binding("r", "again", "Again"),
        Binding("escape", "back", "Back"),
        Binding("right_square_bracket", "step_tab(1)", "Next tab", show=False, key_display="]"),
        Binding("left_square_bracket", "step_tab(-1)", "Previous tab", show=False, key_display="["),
        *(Binding(str(n), f"tab({n - 1})", "Go to tab", show=False) for n in range(1, 7)),
    ]
    AUTO_FOCUS = "FindingList"

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
        self._detailed: tuple[str, Language] | None = None  # what the right half shows

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield TitleBar()
        yield Static(id="banner", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("", id="findings"), Horizontal():
                yield FindingList(id="finding-list")
                yield FindingDetail(id="detail")
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
        yield Footer()

    def on_mount(self) -> None:
        """Fill in what the user's code printed."""
        log = self.query_one("#printed-text", RichLog)
        for line in self.outcome.output:
            log.write(RichText(line))
        if not self.outcome.output:
            self.query_one(TabbedContent).hide_tab("printed")

    # ------------------------------------------------------------------------- language
    def speak(self, language: Language) -> None:
        """Write every text in `language`."""
        outcome, diagnosis = self.outcome, self.outcome.diagnosis
        title = outcome.subject.title(language)
        self.query_one(TitleBar).speak(language, self.NAME.get(language), title)
        self._label_tabs(language)
        self._show_banner(language)
        self.query_one(FindingList).show(diagnosis, language)
        titles = self.medic.titles.conclusions
        self.query_one("#symptoms-text", Prose).show(symptoms(diagnosis, titles, language))
        self.query_one("#ruled-out-text", Prose).show(ruled_out(diagnosis, titles, language))
        self.query_one("#checked-probes", ProbeList).show(outcome.probes, language)
        self._fill_facts(language)

    def _label_tabs(self, language: Language) -> None:
        diagnosis = self.outcome.diagnosis
        tabs = self.query_one(TabbedContent)
        for id_, text, count in (
            ("findings", strings.FINDINGS, len(diagnosis.findings)),
            ("symptoms", strings.SYMPTOMS, len(diagnosis.symptoms)),
            ("ruled-out", strings.RULED_OUT, len(diagnosis.ruled_out)),
            ("measured", strings.MEASURED, len(diagnosis.facts)),
            ("checked", strings.CHECKED, len(self.outcome.probes)),
        ):
            tabs.get_tab(id_).label = Content(f"{text.get(language)} {count}")
        tabs.get_tab("printed").label = Content(strings.PRINTED.get(language))

    def _show_banner(self, language: Language) -> None:
        banner = self.query_one("#banner", Static)
        banner.display = not self.outcome.complete
        done = sum(probe.status == "done" for probe in self.outcome.probes)
        said = strings.STOPPED_EARLY.get(language)
        banner.update(Content("! " + said.format(done=done, total=len(self.outcome.probes))))

    def _fill_facts(self, language: Language) -> None:
        table = self.query_one("#facts", DataTable)
        table.clear(columns=True)
        for heading in (strings.NAME, strings.VALUE, strings.ORIGIN):
            table.add_column(heading.get(language))
        for fact in self.outcome.diagnosis.facts:
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
        if finding is None:
            return [Prose(healthy(self.outcome.diagnosis, self.outcome.probes, language))]
        return finding_parts(finding, self.medic.titles, language)

    # --------------------------------------------------------------------------- actions
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
        """Examine the same case again."""
        subject = self.outcome.subject
        self.medic.examine(subject.spec, name=subject.name)

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
        return [id_ for id_ in TABS if id_ != "printed" or self.outcome.output]

    def _go_to(self, id_: str) -> None:
        tabs = self.query_one(TabbedContent)
        tabs.active = id_
        inside = tabs.get_pane(id_).query("FindingList, VerticalScroll, DataTable, RichLog")
        if inside:
            inside.first(Widget).focus()
