"""The plots of a diagnosis: what was measured, as curves and bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from expert.language import Language, Text
from expert.observation import Observation
from expert.report.curves import LARGEST_STABLE, SUGGESTED, YOURS, drawn
from expert.template import number
from expert.tui.chart import MUTED, Line, chart
from expert.tui.phrases import fit, heading, plain
from expert.tui.sessions.curves import AGAIN, BASELINE, TRIAL, Curves
from expert.tui.texts import diagnosis as texts
from expert.tui.texts.trial import AS_IT_IS, BAND
from expert.tui.wrapping import wrapped

_BARS = 24  # bars of one plot; more layers are folded
_NAME = 22
_CHART_HEIGHT = 11
_NARROWEST = 24
_TRIED = ("$success", "$primary", "$accent", "$secondary")
_STYLES = ("$primary", "$accent", "$secondary", "$success")
_MARKS = {YOURS: "bold $accent", SUGGESTED: "bold $success", LARGEST_STABLE: "$error"}
_PARTS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Bars:
    """How a fact with a value per layer is drawn; `bad` tells which values are worth a colour."""

    fact: str
    title: Text
    bad: Callable[[float], bool]
    share: bool = False
    whole: bool = False  # a full bar is the whole, not the largest value seen
    fold: Callable[[Sequence[float]], float] = max


def _mean_of_logs(values: Sequence[float]) -> float:
    positive = [v for v in values if v > 0]
    return math.exp(sum(map(math.log, positive)) / len(positive)) if positive else 0.0


BARS = (
    Bars("activation.dead_share", texts.DEAD, lambda v: v >= 0.5, share=True, whole=True),
    Bars(
        "activation.saturated_share",
        texts.SATURATED,
        lambda v: v >= 0.5,
        share=True,
        whole=True,
    ),
    Bars("gradient.relative", texts.GRADIENTS, lambda v: v == 0, fold=_mean_of_logs),
    Bars("update.ratio", texts.UPDATES, lambda v: v > 0.1 or v == 0, fold=_mean_of_logs),
    Bars("activation.std", texts.ACTIVATIONS, lambda v: v == 0 or v > 1e3, fold=_mean_of_logs),
    Bars(
        "weight.std_over_expected",
        texts.WEIGHTS,
        lambda v: not 0.2 <= v <= 5,
        fold=_mean_of_logs,
    ),
    Bars("target.class_share", texts.CLASSES, lambda v: False, share=True),
)


class Plots(VerticalScroll):
    """Everything about a case that can be drawn, one plot below the other."""

    DEFAULT_CSS = "Plots > Static { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: Mapping[str, Observation] = {}
        self._curves: Curves = {}
        self._names: Mapping[str, Text] = {}
        self._language: Language = "en"

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(markup=False)

    def show(
        self,
        facts: Sequence[Observation],
        curves: Curves,
        language: Language,
        names: Mapping[str, Text],
    ) -> None:
        """Draw what `facts` and `curves` hold; `names` are those of the fixes by their trials."""
        self._names = names
        self._facts = {fact.name: fact for fact in facts}
        self._curves, self._language = curves, language
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again at the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if width >= _NARROWEST:
            rows = list(plots(self._facts, self._curves, self._language, width, self._names))
            nothing = wrapped(Content(texts.NO_PLOTS.get(self._language)), width)
            self.query_one(Static).update(Content("\n").join(rows or nothing))


def plots(
    facts: Mapping[str, Observation],
    curves: Curves,
    language: Language,
    width: int,
    names: Mapping[str, Text],
) -> Iterator[Content]:
    """Yield the rows of all plots that can be drawn."""
    yield from _curve_plots(curves, names, language, width)
    yield from _measured(facts, language, width)
    for bars in BARS:
        fact = facts.get(bars.fact)
        if fact is not None and isinstance(fact.value, tuple) and len(fact.value) > 1:
            yield from _bar_plot(bars, fact, language, width)


def _curve_plots(
    curves: Curves, names: Mapping[str, Text], language: Language, width: int
) -> Iterator[Content]:
    yield from _trials(curves, names, language, width)
    for title, prefix in ((texts.LOSS_CURVE, "run:"), (texts.LOG_CURVE, "log:")):
        own = [name for name in curves if name.startswith(prefix)]
        for family in _families(own):
            lines = [
                Line(curves[name], plain(name.removeprefix(prefix)), style)
                for name, style in zip(family, _STYLES, strict=False)
            ]
            drawn = chart(lines, min(width, 100), _CHART_HEIGHT, x_name=texts.STEP.get(language))
            if drawn:
                yield from (heading(title.get(language)), *drawn, Content(""))


def _trials(
    curves: Curves, names: Mapping[str, Text], language: Language, width: int
) -> Iterator[Content]:
    """Yield one chart of all fixes that were tried; what chance does is dotted behind them."""
    tried = [name for name in curves if name.startswith(TRIAL) and name not in (BASELINE, AGAIN)]
    if not tried:
        return
    styles = zip(tried, _TRIED, strict=False)
    lines = [
        Line(curves[name], _named(name.removeprefix(TRIAL), names, language), style)
        for name, style in styles
    ]
    baseline, again = curves.get(BASELINE, []), curves.get(AGAIN, [])
    lines.append(Line(baseline, AS_IT_IS.get(language), "$error"))
    rows = chart(
        lines,
        min(width, 100),
        _CHART_HEIGHT,
        x_name=texts.STEP.get(language),
        band=(baseline, again) if baseline and again else None,
    )
    if rows:
        yield from (heading(texts.TRIED_FIXES.get(language)), *rows)
        if baseline and again:
            yield from wrapped(Content.styled(BAND.get(language), MUTED), width)
        yield Content("")


def _named(trial: str, names: Mapping[str, Text], language: Language) -> str:
    return plain(names[trial].get(language) if trial in names else trial)


def _families(names: list[str]) -> list[list[str]]:
    """Return the names of curves that belong on one chart: losses with losses, and so on."""
    families: dict[str, list[str]] = {}
    for name in names:
        words = ("loss", "acc", "rate", "norm")
        kind = next((word for word in words if word in name.lower()), "loss")
        families.setdefault(kind, []).append(name)
    return list(families.values())


def _measured(
    facts: Mapping[str, Observation], language: Language, width: int
) -> Iterator[Content]:
    """Yield the charts of what probes measured over rates, steps and epochs."""
    for found in drawn(facts):
        low = min(x for _, points in found.lines for x, _ in points)
        high = max(x for _, points in found.lines for x, _ in points)
        lines = [
            Line(points, title.get(language) if len(found.lines) > 1 or found.levels else "", style)
            for (title, points), style in zip(found.lines, _STYLES, strict=False)
        ]
        lines += [
            Line([(low, y), (high, y)], title.get(language), "$foreground 60%")
            for title, y in found.levels
        ]
        marks = [
            (x, f"{title.get(language)} {number(x)}", _MARKS.get(title, "$foreground 60%"))
            for title, x in found.marks
        ]
        rows = chart(
            lines,
            min(width, 100),
            _CHART_HEIGHT + len(marks),
            x_name=found.chart.x_name.get(language),
            log_x=found.chart.log_x,
            marks=marks,
        )
        if rows:
            yield from (heading(found.chart.title.get(language)), *rows, Content(""))


def _bar_plot(bars: Bars, fact: Observation, language: Language, width: int) -> Iterator[Content]:
    assert isinstance(fact.value, tuple)
    values = [float(v) if isinstance(v, (bool, int, float)) else math.nan for v in fact.value]
    names, values, note = _folded(bars, list(fact.where), values, language)
    finite = [v for v in values if math.isfinite(v)]
    positive = [v for v in finite if v > 0]
    logarithmic = bool(positive) and not bars.share and max(positive) > 30 * min(positive)
    top = 1.0 if bars.whole else max(finite, default=0.0)
    said = [note] if note else []
    if logarithmic:
        said.append(texts.LOGARITHMIC.get(language))
    tail = Content.styled(f"  {', '.join(said)}" if said else "", "$foreground 60%")
    yield heading(bars.title.get(language)) + tail
    label = min(_NAME, max((Content(n).cell_length for n in names), default=1))
    room = max(6, min(60, width - label - 11))
    low = min(positive, default=1.0) / 2
    for name, value in zip(names, values, strict=True):
        length = _length(value, low, top, logarithmic)
        style = "$error" if not math.isfinite(value) or bars.bad(value) else "$primary"
        shown = f"{number(100 * value)} %" if bars.share else number(value)
        yield Content.assemble(
            (fit(Content(name), label).plain, "$foreground 60%"),
            " ",
            fit(Content.styled(_blocks(length * room), style), room),
            f" {shown:>8}",
        )
    yield Content("")


def _length(value: float, low: float, top: float, logarithmic: bool) -> float:
    if not math.isfinite(value):
        return 1.0
    if value <= 0 or top <= 0:
        return 0.0
    if logarithmic:
        return math.log(value / low) / math.log(top / low)
    return value / top


def _blocks(cells: float) -> str:
    full, part = divmod(round(8 * max(0.0, cells)), 8)
    return "█" * full + (_PARTS[part] if part else "") or "▏"


def _folded(
    bars: Bars, names: list[str], values: list[float], language: Language
) -> tuple[list[str], list[float], str]:
    """Return at most some bars: neighbouring layers share one when there are too many."""
    names = [plain(name) or "model" for name in names]
    if len(names) <= _BARS:
        return names, values, ""
    size = -(-len(names) // _BARS)
    parts = [slice(i, i + size) for i in range(0, len(names), size)]
    note = texts.LAYERS_FOLDED.get(language).format(n=len(names), m=size)
    return [f"{names[p][0]} …" for p in parts], [_fold(bars, values[p]) for p in parts], note


def _fold(bars: Bars, values: list[float]) -> float:
    broken = [value for value in values if not math.isfinite(value)]
    return broken[0] if broken else bars.fold(values)
