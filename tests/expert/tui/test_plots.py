"""The plots of a diagnosis as rows of text: what is drawn, and how it stays legible."""

from __future__ import annotations

import math

import pytest

from expert.observation import Observation
from expert.tui.chart import Line, chart
from expert.tui.sessions.curves import AGAIN, BASELINE, Curves
from expert.tui.widgets.plots import plots

SWEEP = (
    Observation(
        "sweep.losses",
        (2.3, 2.2, 1.2, 3.0, 900.0, math.inf),
        ("1e-05", "0.0001", "0.01", "0.1", "1", "10"),
    ),
    Observation("optimizer.learning_rate", 2.0),
    Observation("sweep.suggested_rate", 0.01),
    Observation("sweep.largest_stable_rate", 0.03),
)


def drawn(*facts: Observation, width: int = 80, curves: Curves | None = None) -> str:
    found = {fact.name: fact for fact in facts}
    return "\n".join(row.plain for row in plots(found, curves or {}, "en", width, {}))


def test_the_sweep_is_drawn_with_the_rates_marked() -> None:
    text = drawn(*SWEEP)
    assert "The loss while the learning rate rises" in text
    for label in ("yours 2", "suggested 0.01", "largest stable 0.03"):
        assert label in text
    assert "900" not in text  # what soars is cut, so that the valley is seen


def test_a_run_is_drawn_beside_chance_level() -> None:
    losses = tuple(2.3 * 0.95**i for i in range(60))
    text = drawn(
        Observation("run.losses", losses, tuple(str(i + 1) for i in range(60))),
        Observation("loss.chance", 2.3),
    )
    assert "A short run at your own settings" in text
    assert "chance level 2.3" in text


def test_training_and_validation_have_lines_of_their_own() -> None:
    epochs = ("0", "1", "2")
    text = drawn(
        Observation("fit.train_losses", (2.0, 1.0, 0.5), epochs),
        Observation("fit.val_losses", (2.0, 1.5, 1.8), epochs),
    )
    assert "━━━ training 0.5" in text
    assert "━ ━ validation 1.8" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_row_is_wider_than_the_room(width: int) -> None:
    assert max(map(len, drawn(*SWEEP, width=width).split("\n"))) <= width


def test_marks_that_would_overlap_get_rows_of_their_own() -> None:
    line = Line([(1.0, 1.0), (100.0, 2.0)])
    marks = [(99.0, "this", ""), (100.0, "that", ""), (1.0, "far away", "")]
    rows = [row.plain for row in chart([line], 40, 10, marks=marks)]
    assert len(rows) == 10
    below = rows[-3:-1]
    assert sum("far away" in row for row in below) == 1
    assert ["this" in row and "that" in row for row in below] == [False, False]
    assert all(any(name in row for row in below) for name in ("this", "that"))


def test_a_trial_is_drawn_over_what_chance_does() -> None:
    flat = [(float(i), 2.3) for i in range(40)]
    curves = {
        BASELINE: flat,
        AGAIN: [(x, y - 0.5) for x, y in flat],
        "trial:rate-tenth": [(x, 2.3 * 0.9**x) for x, _ in flat],
    }
    text = drawn(curves=curves)
    assert "rate-tenth" in text
    assert "as it is 2.3" in text
    assert "baseline" not in text
    assert "by chance alone" in text
    without = drawn(curves={k: v for k, v in curves.items() if k != AGAIN})
    assert dots(text) > 2 * dots(without)  # the band
    assert "by chance alone" not in without


def dots(text: str) -> int:
    return sum((ord(c) - 0x2800).bit_count() for c in text if 0x2800 <= ord(c) < 0x2900)
