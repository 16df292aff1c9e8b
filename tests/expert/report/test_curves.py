"""Curves of a diagnosis: which facts make a chart, and the chart as a picture."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from expert import Observation, diagnose, load_knowledge
from expert.report.chart_picture import chart_picture
from expert.report.curves import CHARTS, LARGEST_STABLE, YOURS, cut, drawn, points_of
from expert.report.html_report import to_html

SWEEP = Observation("sweep.losses", (2.0, 1.0, 2.5, 900.0), ("0.001", "0.01", "0.1", "1"))
FACTS = {
    fact.name: fact
    for fact in (
        SWEEP,
        Observation("optimizer.learning_rate", 3.0),
        Observation("sweep.largest_stable_rate", 0.03),
        Observation("fit.train_losses", (2.0, 0.5), ("0", "8")),
        Observation("fit.val_losses", (2.0, 1.5), ("0", "8")),
        Observation("run.losses", (2.0,), ("1",)),
    )
}


def test_known_curves_make_charts_with_the_marks_that_are_known() -> None:
    sweep, fit = drawn(FACTS)  # one step of a run is no curve
    assert sweep.marks == ((YOURS, 3.0), (LARGEST_STABLE, 0.03))
    assert [title.en for title, _ in fit.lines] == ["training", "validation"]


def test_a_rate_of_zero_has_no_place_on_a_logarithmic_axis() -> None:
    facts = {**FACTS, "optimizer.learning_rate": Observation("optimizer.learning_rate", 0.0)}
    assert YOURS not in dict(next(drawn(facts)).marks)


def test_a_curve_that_soars_is_cut_as_far_above_its_start_as_it_fell() -> None:
    assert cut(points_of(SWEEP)) == ((0.001, 2.0), (0.01, 1.0), (0.1, 2.5), (1.0, 3.0))


def test_names_that_are_no_numbers_are_no_curve() -> None:
    assert points_of(Observation("x", (1.0, 2.0), ("net.0", "net.2"))) == ()


def test_every_fact_of_a_chart_is_known_and_has_a_place_on_the_axis() -> None:
    known = load_knowledge().facts
    for chart in CHARTS:
        assert {known[name].per for name, _ in chart.lines} <= {"rate", "step", "epoch"}
        assert all(known[name].per is None for name, _ in (*chart.marks, *chart.levels))


def test_the_page_shows_the_charts_in_both_languages() -> None:
    text = to_html(diagnose(list(FACTS.values()), load_knowledge()))
    assert "The loss while the learning rate rises" in text
    assert "largest stable 0.03" in text
    assert "最大稳定值 0.03" in text


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.lines[0][0])
@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=40),
    mark=st.floats(min_value=1e-300, max_value=1e300),
)
@example(values=[0.0, -1.7976931348623157e308], mark=9.98e291)
def test_any_losses_make_a_picture_without_places_that_are_no_numbers(
    chart: object, values: list[float], mark: float
) -> None:
    spec = next(one for one in CHARTS if one is chart)
    names = [*(name for name, _ in spec.lines)]
    where = tuple(f"{10.0**-i:.3g}" for i in range(len(values), 0, -1))
    facts = {name: Observation(name, tuple(values), where) for name in names}
    facts |= {name: Observation(name, mark) for name, _ in (*spec.marks, *spec.levels)}
    (found,) = drawn(facts)
    for one in (found, replace(found, marks=(), levels=())):
        picture = str(chart_picture(one))
        if any(math.isfinite(y) for _, points in one.lines for _, y in points):
            ElementTree.fromstring(picture)
            places = re.sub(r">[^<]*<", "><", picture)
            assert not re.search(r"\b(nan|inf)\b", places)
