from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, WeightedRandomSampler

from probes import labels
from probes.quantities.label_spread import rank_mixing
from tests.probes.small_cases import (
    case,
    diabetes,
    digits,
    digits_case,
    loader,
    mlp,
    seen,
    sgd,
    tumours,
)


def facts(batches, model, loss_fn, **more):
    return seen(case(model, batches, loss_fn, sgd(0.1), **more), labels.PROBE)


def test_class_indices_make_a_classification():
    found = seen(digits_case(sgd(0.1)), labels.PROBE)
    assert (found["task"], found["target.kind"]) == ("classification", "class-index")
    assert found["target.classes"] == 10
    assert found["target.outside_outputs_share"] == 0
    assert found["target.imbalance_ratio"] < 1.5


def test_one_hot_rows_are_told_from_several_labels_at_once():
    rows, digit = digits()
    one_hot = F.one_hot(digit, 10).float()
    several = torch.maximum(one_hot, one_hot.roll(1, 1))
    model, loss = mlp(64, 10), nn.BCEWithLogitsLoss()
    one = facts(loader(rows, one_hot), model, nn.CrossEntropyLoss())
    many = facts(loader(rows, several), model, loss)
    assert (one["task"], one["target.kind"]) == ("classification", "one-hot")
    assert (many["task"], many["target.kind"]) == ("multilabel", "multi-label")
    assert "target.batch_mixing" not in many


@pytest.mark.parametrize("columns", [1, 0])
def test_zero_and_one_in_one_column_are_binary(columns):
    rows, labelled = tumours()
    target = labelled if columns else labelled[:, 0]
    found = facts(
        loader(rows, target),
        mlp(30, 1),
        lambda o, t: F.binary_cross_entropy_with_logits(o.reshape(-1), t.reshape(-1)),
    )
    assert (found["task"], found["target.kind"]) == ("binary", "binary")
    assert sum(found["target.class_share"]) == pytest.approx(1)


def test_measured_values_make_a_regression_with_a_scale_per_column():
    rows, target = diabetes()
    both = torch.cat([target, target / 1000], 1)
    found = facts(loader(rows, both), mlp(10, 2), nn.MSELoss())
    assert (found["task"], found["target.kind"]) == ("regression", "continuous")
    assert found["target.column_std"][0] == pytest.approx(float(target.std(correction=0)), rel=1e-3)
    assert found["target.column_scale_ratio"] == pytest.approx(1000, rel=1e-3)
    assert "target.classes" not in found


def test_a_target_that_is_the_input_makes_an_autoencoder():
    rows, _ = digits()
    alone = facts(DataLoader(rows, 32), mlp(64, 8, 64), nn.MSELoss())
    copied = facts(loader(rows, rows.clone()), mlp(64, 8, 64), nn.MSELoss())
    assert alone["task"] == copied["task"] == "autoencoder"
    assert alone["target.kind"] == "input"


def test_next_tokens_make_a_language_model():
    tokens = torch.randint(0, 9, (64, 6))
    model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
    found = facts(
        loader(tokens[:, :-1], tokens[:, 1:]), model, lambda o, t: F.cross_entropy(o.mT, t)
    )
    assert found["task"] == "language-model"


def test_ignored_positions_are_no_class():
    rows, digit = digits()
    some = torch.where(torch.arange(len(digit)) % 3 == 0, -100, digit)
    found = facts(loader(rows, some), mlp(64, 10), nn.CrossEntropyLoss())
    assert found["target.outside_outputs_share"] == 0
    assert found["target.min"] == 0


def test_labels_beyond_the_outputs_are_counted_although_the_loss_fails():
    rows, digit = digits()
    found = facts(loader(rows, digit + 1), mlp(64, 10), nn.CrossEntropyLoss())
    assert found["target.outside_outputs_share"] == pytest.approx(0.1, abs=0.03)


def test_sorted_data_do_not_mix_and_shuffled_data_do():
    rows, digit = digits()
    order = torch.argsort(digit)
    in_order = facts(
        loader(rows[order], digit[order], shuffle=False), mlp(64, 10), nn.CrossEntropyLoss()
    )
    mixed = seen(digits_case(sgd(0.1)), labels.PROBE)
    assert in_order["target.batch_mixing"] < 0.2
    assert in_order["target.single_label_batch_share"] > 0.5
    assert in_order["loader.shuffles"] is False
    assert mixed["target.batch_mixing"] == pytest.approx(1, abs=0.05)
    assert mixed["target.single_label_batch_share"] == 0
    assert mixed["loader.shuffles"] is True


def test_classes_that_sorted_batches_do_not_reach_are_still_counted():
    rows, digit = digits()
    order = torch.argsort(digit)
    found = facts(
        loader(rows[order], digit[order], size=8, shuffle=False), mlp(64, 10), nn.CrossEntropyLoss()
    )
    assert found["target.imbalance_ratio"] < 1.5


def test_small_batches_of_a_rare_class_count_as_mixed_when_shuffled():
    torch.manual_seed(0)
    rare = (torch.arange(1000) % 20 == 0).long()
    rows = torch.randn(1000, 4)
    found = facts(loader(rows, rare, size=4), mlp(4, 2), nn.CrossEntropyLoss())
    assert found["target.batch_mixing"] == pytest.approx(1, abs=0.35)
    expected = found["target.single_label_batch_expected"]
    assert found["target.single_label_batch_share"] == pytest.approx(expected, abs=0.15)
    assert found["target.imbalance_ratio"] > 8


def test_a_balancing_sampler_is_believed():
    rows, digit = torch.randn(1000, 4), (torch.arange(1000) % 100 == 0).long()
    weights = torch.where(digit == 1, 0.5 / 10, 0.5 / 990).tolist()
    sampler = WeightedRandomSampler(weights, 1000, generator=torch.Generator().manual_seed(0))
    batches = DataLoader(torch.utils.data.TensorDataset(rows, digit), 32, sampler=sampler)
    found = facts(batches, mlp(4, 2), nn.CrossEntropyLoss())
    assert found["target.imbalance_ratio"] < 1.5
    assert found["loader.shuffles"] is True


def test_nothing_is_said_of_the_order_of_a_plain_list():
    rows, digit = digits()
    batches = [(rows[i : i + 32], digit[i : i + 32]) for i in range(0, 320, 32)]
    assert "loader.shuffles" not in facts(batches, mlp(64, 10), nn.CrossEntropyLoss())


def test_numbers_read_in_their_order_do_not_mix_whatever_their_tails():
    torch.manual_seed(0)
    rows, price = torch.randn(512, 4), torch.randn(512, 1).mul(3).exp()
    order = torch.argsort(price.flatten())
    model = mlp(4, 1)
    in_order = facts(loader(rows[order], price[order], shuffle=False), model, nn.MSELoss())
    as_drawn = facts(loader(rows, price, shuffle=False), model, nn.MSELoss())
    assert in_order["target.batch_mixing"] < 0.05
    assert as_drawn["target.batch_mixing"] == pytest.approx(1, abs=0.15)


def test_equal_numbers_have_no_order():
    ticks = torch.tensor([0.0, 1.0]).repeat(64).unsqueeze(1)
    assert rank_mixing(ticks, [16] * 8) == pytest.approx(1, abs=0.07)
    assert rank_mixing(torch.zeros(128, 1), [16] * 8) is None


def test_complex_targets_have_the_range_of_their_parts():
    torch.manual_seed(0)
    signal = torch.randn(64, 3, dtype=torch.cfloat)

    def distance(out, target):
        return (out - target).abs().square().mean()

    found = facts(loader(signal, 2 * signal), nn.Linear(3, 3, dtype=torch.cfloat), distance)
    assert found["task"] == "regression"
    assert found["target.max"] == pytest.approx(2 * float(torch.view_as_real(signal).max()))
