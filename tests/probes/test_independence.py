from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.independence import PROBE
from tests.probes.observing import Composed, facts
from tests.probes.small_cases import loader

torch.manual_seed(0)
SERIES = torch.randn(64, 8, 12)
LABELS = torch.arange(64) % 5
MARKS = torch.randint(0, 5, (64, 8))


def _facts(model: nn.Module, x: Tensor = SERIES[:, 0], y: Tensor = LABELS, loss: Any = None):
    return facts(PROBE, model, loader(x, y), loss or F.cross_entropy)


def _rnn(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    last = {"rnn": nn.LSTM(12, 16, **options), "head": nn.Linear(16, 5)}
    return Composed(lambda m, x: m.head(m.rnn(x)[0][:, -1]), **last)


def _dense(between: Any) -> nn.Module:
    torch.manual_seed(0)
    return Composed(lambda m, x: m.b(between(m.a(x))), a=nn.Linear(12, 16), b=nn.Linear(16, 5))


def _per_step(logits: Tensor, marks: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), marks.flatten())


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (_rnn(), SERIES),
        (_dense(lambda h: h.softmax(0)), SERIES[:, 0]),
        (_dense(lambda h: h.t().reshape(len(h), -1)), SERIES[:, 0]),
    ],
    ids=["batch_first forgotten", "softmax over the batch", "reshape for transpose"],
)
def test_samples_that_leak_into_each_other_are_seen(model: nn.Module, x: Tensor):
    seen = _facts(model, x)
    assert seen["independence.samples_mix"].value is True
    assert seen["independence.leak"].value > 1e-3


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (_rnn(batch_first=True), SERIES),
        (_dense(torch.relu), SERIES[:, 0]),
        (nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.Linear(16, 5)), SERIES[:, 0]),
    ],
    ids=["recurrent", "dense", "batch norm"],
)
def test_independent_samples_do_not_leak(model: nn.Module, x: Tensor):
    seen = _facts(model, x)
    assert seen["independence.leak"].value == 0
    assert seen["independence.samples_mix"].value is False


def test_statistics_over_the_batch_are_told_from_mistakes():
    untracked = nn.BatchNorm1d(16, track_running_stats=False)
    by_hand = _dense(lambda h: (h - h.mean(0)) / (h.std(0) + 1e-5))
    for model in (nn.Sequential(nn.Linear(12, 16), untracked, nn.Linear(16, 5)), by_hand):
        seen = _facts(model)
        assert seen["independence.mixed_by_statistics"].value is True
        assert seen["independence.samples_mix"].value is False


def test_a_loss_that_compares_samples_is_no_leak():
    def contrast(rows: Tensor, _: Tensor) -> Tensor:
        return F.cross_entropy(rows @ rows.T, torch.arange(len(rows)).roll(1))

    assert _facts(nn.Linear(12, 16), loss=contrast)["independence.leak"].value == 0


@pytest.mark.parametrize("batch_first", [True, False])
def test_rows_flattened_in_another_order_than_the_targets_are_seen(batch_first: bool):
    torch.manual_seed(0)
    rnn, head = nn.LSTM(12, 16, batch_first=batch_first), nn.Linear(16, 5)
    turned = (lambda x: x) if batch_first else (lambda x: x.transpose(0, 1))
    model = Composed(lambda m, x: m.head(m.rnn(turned(x))[0]), rnn=rnn, head=head)
    seen = _facts(model, SERIES, MARKS, _per_step)
    assert seen["independence.samples_mix"].value is False
    assert seen["independence.rows_misplaced"].value is not batch_first


def test_nothing_is_said_where_the_output_ignores_its_input():
    model = _dense(lambda h: h * 0)
    assert _facts(model) == {}


def test_a_position_encoding_along_the_batch_axis_is_seen():
    torch.manual_seed(0)
    places = 0.5 * torch.randn(64, 1, 12)
    parts = {"encode": nn.TransformerEncoderLayer(12, 2, 24, batch_first=True)}
    head = nn.Linear(12, 5)
    along_samples = lambda m, x: m.head(m.encode(x + places[: x.size(0)]).mean(1))  # noqa: E731
    along_time = lambda m, x: m.head(m.encode(x + places[: x.size(1), 0]).mean(1))  # noqa: E731
    wrong = _facts(Composed(along_samples, head=head, **parts), SERIES)
    assert wrong["independence.samples_mix"].value is False
    assert wrong["independence.place_change"].value > 0.05
    right = _facts(Composed(along_time, head=head, **parts), SERIES)
    assert right["independence.place_change"].value < 1e-4


def test_noise_in_evaluation_is_not_taken_for_the_place():
    assert "independence.place_change" not in _facts(_dense(lambda h: h + torch.randn_like(h)))
    assert "independence.place_change" not in _facts(_dense(lambda h: F.dropout(h, 0.5)))


@pytest.mark.parametrize("depth", [5, 9])
def test_answers_that_hardly_differ_are_not_taken_apart_by_rounding(depth):
    for seed in range(3):
        torch.manual_seed(seed)
        layers = [layer for _ in range(depth) for layer in (nn.Linear(48, 48), nn.Sigmoid())]
        model = nn.Sequential(nn.Linear(12, 48), nn.Sigmoid(), *layers, nn.Linear(48, 5))
        batch = (torch.randn(50, 12), torch.arange(50) % 5)
        found = facts(PROBE, model, [batch], nn.CrossEntropyLoss())
        for name in ("independence.leak", "independence.place_change"):
            assert name not in found or found[name].value < 1e-4
