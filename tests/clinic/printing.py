"""How the clinic's results are printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from .held_out import is_held_out_visit
from .scoring import Row, Scored, brier, by_cause, groups, reliability


def print_visit(one: Scored, console: Console) -> None:
    """Print one line: the outcome, the truth and what was said."""
    visit, patient = one.visit, one.patient
    said = ", ".join(f"{s.cause} {s.certainty:.2f}" for s in visit.said[:4])
    if one.outcome == "MISSED" and visit.suspected:
        said += f" (suspected: {', '.join(visit.suspected[:4])})"
    truth = " + ".join(filter(None, [patient.cause, *patient.second[:1]])) or "healthy"
    console.print(
        f"{one.outcome:8s}{visit.patient:54s} seed {visit.seed}  {truth:30s}"
        f"{visit.seconds:6.1f} s  {visit.error or said or '-'}",
        markup=False,
    )


def print_summary(scored: Sequence[Scored], console: Console) -> None:
    """Print the table per cause, the totals, and how far certainties can be believed."""
    _print_causes(scored, console)
    ill, two, well = groups(scored)
    _print_row("one fault", Row.of(ill), console)
    _print_row("two faults (both)", Row.of(two), console)
    alarms = [one for one in well if one.outcome == "ALARM"]
    console.print(f"{'healthy':22s} {len(well):4d}: false alarms {len(alarms)}")
    held_out = [one for one in scored if is_held_out_visit(one.patient, one.visit.seed)]
    if held_out and len(held_out) < len(scored):
        ill, two, well = groups(held_out)
        _print_row("  of these, held out", Row.of([*ill, *two]), console)
        count = sum(one.outcome == "ALARM" for one in well)
        console.print(f"{'  healthy, held out':22s} {len(well):4d}: false alarms {count}")
    seconds = [one.visit.seconds for one in scored] or [0.0]
    console.print(
        f"{'seconds':22s} median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}, "
        f"all {sum(seconds):.0f}"
    )
    _print_reliability(scored, console)


def _print_causes(scored: Sequence[Scored], console: Console) -> None:
    table = Table("cause", box=None, pad_edge=False)
    for title in ("patients", "first", "in three", "missed", "suspected", "seconds"):
        table.add_column(title, justify="right")
    for cause, those in by_cause(scored).items():
        row = Row.of(those)
        counts = (row.patients, row.first, row.in_three, row.missed, row.suspected)
        table.add_row(cause, *(str(n) if n else "-" for n in counts), f"{row.seconds:.1f}")
    console.print()
    console.print(table)
    console.print()


def _print_row(name: str, row: Row, console: Console) -> None:
    if not row.patients:
        return
    told = row.patients - row.suspected or 1
    console.print(
        f"{name:22s} {row.patients:4d}: true cause first {row.first} ({row.first / told:.1%}), "
        f"in the first three {row.in_three} ({row.in_three / told:.1%}), missed {row.missed}, "
        f"suspected as intended {row.suspected}",
        markup=False,
    )


def _print_reliability(scored: Sequence[Scored], console: Console) -> None:
    table = Table("said with", box=None, pad_edge=False)
    for title in ("findings", "right", "share"):
        table.add_column(title, justify="right")
    for one in reliability(scored):
        share = f"{one.right / one.said:.2f}" if one.said else "-"
        table.add_row(f"{one.low:.1f} to {one.high:.1f}", str(one.said), str(one.right), share)
    console.print()
    console.print(table)
    score = brier(scored)
    if score is not None:
        console.print(f"Brier score {score:.3f} (0 is perfect, 0.25 is tossing a coin)")
