"""Which facts are curves that belong on one chart: what stands on the axes, and what is marked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from expert.language import Text
from expert.observation import Observation

Points = tuple[tuple[float, float], ...]

YOURS = Text("yours", "当前")
SUGGESTED = Text("suggested", "建议")
LARGEST_STABLE = Text("largest stable", "最大稳定值")
CHANCE = Text("chance level", "随机水平")


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of facts.

    `lines`: facts with one value per rate, step or epoch; `marks`: places on the horizontal axis;
    `levels`: heights to compare with. Each as the name of the fact and what it is called.
    """

    title: Text
    x_name: Text
    lines: tuple[tuple[str, Text], ...]
    marks: tuple[tuple[str, Text], ...] = ()
    levels: tuple[tuple[str, Text], ...] = ()
    log_x: bool = False
    soars: bool = False
    """Whether a line may soar at its end: it is cut where it has risen as far as it fell."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its values; marks and levels that are not known are left out."""

    chart: Chart
    lines: tuple[tuple[Text, Points], ...]
    marks: tuple[tuple[Text, float], ...]
    levels: tuple[tuple[Text, float], ...]


CHARTS = (
    Chart(
        Text("A short run at your own settings", "用您自己的设置短暂训练"),
        Text("step", "步"),
        lines=(("run.losses", Text("loss", "损失")),),
        levels=(("loss.chance", CHANCE),),
    ),
    Chart(
        Text("The loss while the learning rate rises", "学习率逐步升高时的损失"),
        Text("learning rate", "学习率"),
        lines=(("sweep.losses", Text("loss", "损失")),),
        marks=(
            ("optimizer.learning_rate", YOURS),
            ("sweep.suggested_rate", SUGGESTED),
            ("sweep.largest_stable_rate", LARGEST_STABLE),
        ),
        log_x=True,
        soars=True,
    ),
    Chart(
        Text("Training and validation loss", "训练损失与验证损失"),
        Text("epoch", "epoch"),
        lines=(
            ("fit.train_losses", Text("training", "训练")),
            ("fit.val_losses", Text("validation", "验证")),
        ),
    ),
)


def drawn(facts: Mapping[str, Observation]) -> Iterator[Drawn]:
    """Yield the charts of which `facts` hold a curve."""
    for chart in CHARTS:
        lines = tuple(
            (title, cut(points) if chart.soars else points)
            for name, title in chart.lines
            if len(points := points_of(facts.get(name))) > 1
        )
        if lines:
            marks, levels = (
                tuple(
                    (title, value)
                    for name, title in named
                    if (value := number_of(facts.get(name))) is not None
                    and (value > 0 or not chart.log_x)
                )
                for named in (chart.marks, chart.levels)
            )
            yield Drawn(chart, lines, marks, levels)


def points_of(fact: Observation | None) -> Points:
    """Return a fact with a value per rate or step as points; none where it is no curve."""
    if fact is None or not isinstance(fact.value, tuple):
        return ()
    try:
        return tuple((float(x), float(y)) for x, y in zip(fact.where, fact.value, strict=True))
    except ValueError:
        return ()


def cut(points: Points) -> Points:
    """Return a curve up to where it leaves what is worth seeing; the last point is on the edge.

    The edge is as far above the start as the lowest point is below it, or half the start's size.
    """
    start = points[0][1]
    lowest = min((y for _, y in points if math.isfinite(y)), default=start)
    edge = start + max(start - lowest, 0.5 * abs(start))
    for index, (x, y) in enumerate(points):
        if not y <= edge:
            return (*points[:index], (x, edge if math.isfinite(edge) else y))
    return points


def number_of(fact: Observation | None) -> float | None:
    """Return the value of a fact that is one finite number."""
    if fact is None or isinstance(fact.value, (bool, str, tuple)):
        return None
    return float(fact.value) if math.isfinite(fact.value) else None
