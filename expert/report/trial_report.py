"""What trying the fixes showed, as text for a terminal: a table, and the cure in one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text as Styled

from expert.diagnosis import Diagnosis, Remedy
from expert.language import Language, Text
from expert.report.json_report import CureReport, CurvesReport, TriedReport
from expert.report.words import BECAUSE_OF, DID_NOT_HELP, FIX, HEALED, HEALTHY, HELPED, MEASURES
from expert.template import number

FOUND = Text(en="Found", zh="发现")
COLUMNS = (
    Text(en="fix", zh="修复"),
    Text(en="measure", zh="度量"),
    Text(en="before", zh="之前"),
    Text(en="after", zh="之后"),
    Text(en="without it", zh="不做修改"),
    Text(en="validation loss", zh="验证损失"),
    Text(en="result", zh="结果"),
)
NOT_TRIED = Text(en="not tried", zh="未试")
NOTHING_TO_TRY = Text(
    en="No fix of these findings can be tried by a program.", zh="这些问题的修复都无法由程序试验。"
)
CURE = Text(en="Cure", zh="治愈")
PARTLY = Text(en="Helps, but does not heal", zh="有帮助，但未治愈")
NO_CURE = Text(en="None of the fixes tried helped.", zh="试过的修复都没有帮助。")


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial: what was changed before it, the cause and fix it is for, and its result."""

    base: tuple[str, ...]
    cause: str
    title: Text
    result: Mapping[str, Any]

    @property
    def changes(self) -> list[str]:
        """All changes that were made, its own last."""
        return [*self.base, self.result["id"], *self.result.get("also", ())]


def print_trials(
    diagnosis: Diagnosis,
    rows: Sequence[TrialRow],
    cure: CureReport,
    remedies: Mapping[str, Remedy],
    console: Console,
    language: Language = "en",
) -> None:
    """Print the findings, what each fix did, and the cure with the fixes that it is made of.

    `remedies`: by trial, also of what was only found once the first changes were made.
    """
    for part in _parts(diagnosis, rows, cure, remedies, language):
        console.print(part)


def cure_report(
    rows: Sequence[TrialRow], trials: Sequence[str], language: Language, *, cured: bool
) -> CureReport:
    """Return the cure with everything that was tried, both curves included, for the JSON."""
    return CureReport(
        trials=list(trials), cured=cured, tried=[_tried(row, language) for row in rows]
    )


def _tried(row: TrialRow, language: Language) -> TriedReport:
    result = row.result
    numbers = ("before", "after", "baseline", "val_before", "val_after", "val_baseline")
    reason = result.get("reason")
    return TriedReport(
        id=result["id"],
        base=list(row.base),
        tried=result["tried"],
        improved=result["improved"],
        cured=result["cured"],
        steps=result["steps"],
        measure=measure_of(result),
        same_loss=result.get("same_loss", True),
        curves={
            name: CurvesReport(train=curves["train"], validation=curves["validation"])
            for name, curves in result.get("curves", {}).items()
        },
        reason=None if reason is None else Text.from_json(reason).get(language),
        **{name: result.get(name) for name in numbers},
    )


def measure_of(result: Mapping[str, Any]) -> str:
    """Return the measure of a result, with the data it is taken on: "loss", "validation-loss"."""
    prefix = "validation-" if result.get("goal") == "validation" else ""
    return f"{prefix}{result.get('measure', 'loss')}"


def _parts(
    diagnosis: Diagnosis,
    rows: Sequence[TrialRow],
    cure: CureReport,
    remedies: Mapping[str, Remedy],
    language: Language,
) -> Iterator[RenderableType]:
    if not diagnosis.findings and not rows:
        yield Styled(HEALTHY.get(language), style="bold green")
        return
    colon = "：" if language == "zh" else ": "
    for finding in diagnosis.findings:
        yield Styled.assemble(
            (FOUND.get(language) + colon, "bold"),
            finding.title.get(language),
            (f"  {finding.certainty:.2f}  {finding.cause}", "dim"),
        )
        if finding.because_of:
            line = BECAUSE_OF.get(language) + colon + ", ".join(finding.because_of)
            yield Padding(Styled(line, style="italic"), (0, 0, 0, 4))
    if not rows:
        yield Styled(NOTHING_TO_TRY.get(language))
        return
    yield _table(rows, language)
    yield _cure_line(rows, cure, language)
    for fix in (remedies[trial] for trial in cure.trials if trial in remedies):
        yield Styled.assemble(
            (FIX.get(language) + colon, "bold cyan"), (fix.title.get(language), "bold")
        )
        yield Padding(Styled(fix.instructions.get(language)), (0, 0, 0, 4))
        if fix.code:
            code = Syntax(fix.code.rstrip(), "python", background_color="default", word_wrap=True)
            yield Padding(code, (0, 0, 0, 4))


def _table(rows: Sequence[TrialRow], language: Language) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, column in enumerate(COLUMNS):
        justify = "right" if index in (2, 3, 4, 5) else "left"
        table.add_column(column.get(language), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*_cells(row, language), style="bold" if row.result["cured"] else "")
    return table


def _cells(row: TrialRow, language: Language) -> list[str]:
    result = row.result
    title = row.title.get(language)
    name = "\n+ ".join(row.changes) + ("" if title == result["id"] else f"\n{title}")
    if not result["tried"]:
        reason = Text.from_json(result["reason"]).get(language) if result["reason"] else ""
        return [name, "", "", "", "", "", f"{NOT_TRIED.get(language)}: {reason}"]
    numbers = [_shown(result[key]) for key in ("before", "after", "baseline")]
    measure = MEASURES[measure_of(result)].get(language)
    return [name, measure, *numbers, _validation(result), _verdict(result).get(language)]


def _validation(result: Mapping[str, Any]) -> str:
    """Return the first and the last point of the validation curve with the treatment."""
    curve = result.get("curves", {}).get("treated", {}).get("validation", ())
    if not curve:
        return ""
    ends = (curve[0][1], curve[-1][1])
    return " -> ".join(_shown("nan" if loss is None else loss) for loss in ends)


def _verdict(result: Mapping[str, Any]) -> Text:
    if not result["improved"]:
        return DID_NOT_HELP
    return HEALED if result["cured"] else HELPED


def _shown(value: float | str | None) -> str:
    return "-" if value is None else number(float(value) if value != "nan" else math.nan)


def _cure_line(rows: Sequence[TrialRow], cure: CureReport, language: Language) -> Styled:
    if not cure.trials:
        return Styled(NO_CURE.get(language), style="bold yellow")
    last = next(row.result for row in reversed(rows) if row.changes == cure.trials)
    before, after, without = (_shown(last[key]) for key in ("before", "after", "baseline"))
    measure, steps = MEASURES[measure_of(last)], last["steps"]
    numbers = Text(
        en=f"after {steps} steps {measure.en} {before} -> {after}; without: {without}",
        zh=f"{steps} 步后{measure.zh} {before} → {after}；不做修改为 {without}",
    )
    head, style = (CURE, "bold green") if cure.cured else (PARTLY, "bold yellow")
    colon = "：" if language == "zh" else ": "
    names = " + ".join(cure.trials)
    return Styled.assemble(
        (f"{head.get(language)}{colon}{names}", style), f" ({numbers.get(language)})"
    )
