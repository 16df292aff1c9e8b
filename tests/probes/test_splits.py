"""Two sets compared: scale, contents, labels, copies, statistics, and what a reading changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from probes import pretrained, splits
from probes.quantities.two_samples import largest_gap, tell_apart_rows, total_variation
from tests.probes.small_cases import adam, case, digits, loader, mlp, seen, standard, tumours


def facts(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor], **more):
    model = mlp(train[0].shape[1], 16, 10)
    parts = {"val_loader": loader(*val, shuffle=False), **more}
    given = case(model, loader(*train), nn.CrossEntropyLoss(), adam(1e-3), **parts)
    return seen(given, splits.PROBE)


def halves() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    x, y = digits()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def test_halves_of_one_set_are_alike():
    found = facts(*halves())
    assert found["splits.scale_ratio"] == pytest.approx(1, abs=0.1)
    assert found["splits.mean_shift"] < 0.1
    assert found["splits.told_apart"] < 0.65
    assert found["splits.label_shift_p_value"] > 0.001
    assert found["splits.shared_samples"] == 0
    assert found["splits.carried_over"] > 0.7


def test_unscaled_validation_inputs_are_another_scale_and_not_other_contents():
    train, (x, y) = halves()
    found = facts(train, (x * 16 + 3, y))
    assert found["splits.scale_ratio"] == pytest.approx(16, rel=0.1)
    assert found["splits.told_apart"] > 0.95
    assert found["splits.told_apart_rescaled"] < 0.7
    assert found["splits.carried_over_rescaled"] > found["splits.carried_over"] + 0.2


def test_classes_missing_in_training_are_seen():
    (x, y), val = halves()
    found = facts((x[y < 7], y[y < 7]), val)
    assert found["splits.unseen_class_share"] == pytest.approx(0.3, abs=0.05)
    assert found["splits.label_shift"] == pytest.approx(0.3, abs=0.05)


def test_a_validation_set_read_in_order_is_not_mistaken_for_another_source():
    (x, y), (x_val, y_val) = halves()
    order = y_val.argsort()

    class Files(Dataset[tuple[Tensor, Tensor]]):
        def __len__(self) -> int:
            return 4 * len(order)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            place = order[index // 4]
            return x_val[place], y_val[place]

    found = facts((x, y), (x_val, y_val), val_loader=DataLoader(Files(), 32))
    assert found["splits.label_shift"] < 0.15
    assert found["splits.told_apart"] < 0.65


def test_copies_are_counted_and_natural_ones_expected():
    train, (x, y) = halves()
    x = torch.cat([x[:100], train[0][:50]])
    found = facts(train, (x, torch.cat([y[:100], train[1][:50]])))
    assert found["splits.shared_samples"] == 50
    assert found["splits.shared_share"] == pytest.approx(1 / 3)
    assert found["splits.copy_by_chance"] < 1e-6
    bits = torch.randint(0, 2, (600, 4), generator=torch.Generator().manual_seed(0)).float()
    few = facts((bits[:400], train[1][:400]), (bits[400:], train[1][:200]))
    assert few["splits.shared_share"] == 1
    assert few["splits.copy_by_chance"] > 1e-3


def test_statistics_are_exact_on_the_set_they_come_from():
    x, y = tumours()
    x, y = standard(x), y[:, 0].long()
    over_all = facts((x[:400], y[:400]), (x[400:], y[400:]))
    assert over_all["splits.statistics_of_everything"] == 1
    assert over_all["splits.statistics_of_training"] < 0.2
    mean, std = x[:400].mean(0), x[:400].std(0)
    right = facts(((x[:400] - mean) / std, y[:400]), ((x[400:] - mean) / std, y[400:]))
    assert right["splits.statistics_of_training"] == 1
    assert right["splits.statistics_of_everything"] == 0
    each = facts((standard(x[:400]), y[:400]), (standard(x[400:]), y[400:]))
    assert each["splits.statistics_of_validation"] == 1


def test_a_test_set_is_compared_as_well():
    train, (x, y) = halves()
    test = DataLoader(TensorDataset(x[::2] + 0.5, y[::2]), 32)
    found = facts(train, (x[1::2], y[1::2]), test_loader=test)
    assert found["test_split.told_apart"] > 0.95
    assert found["test_split.mean_shift"] > 0.5 > found["splits.mean_shift"]


@pytest.mark.parametrize(("noise", "low", "high"), [(0.0, 0.0, 0.0), (0.05, 0.001, 0.2)])
def test_augmentation_shows_when_a_sample_is_read_twice(noise, low, high):
    x, y = digits()

    class Noisy(Dataset[tuple[Tensor, Tensor]]):
        def __len__(self) -> int:
            return 256

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return x[index] + noise * torch.randn(64), y[index]

    model = mlp(64, 16, 10)
    given = case(model, DataLoader(Noisy(), 32), nn.CrossEntropyLoss(), adam(1e-3))
    assert low <= seen(given, splits.PROBE)["augmentation.randomness"] <= high


def test_distances_of_labels_know_chance():
    same = torch.eye(4).repeat(30, 1).double()
    other = torch.eye(4)[:2].repeat(60, 1).double()
    assert total_variation(same, same) == (0.0, 1.0)
    distance, chance = total_variation(same, other)
    assert distance == pytest.approx(0.5)
    assert chance < 1e-6
    values = torch.arange(100.0).double()
    assert largest_gap(values, values + 200)[0] == 1
    assert largest_gap(values, values)[1] > 0.99


def test_other_contents_stay_told_apart_on_one_scale():
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(300, 8, generator=generator).double()
    area, rescaled = tell_apart_rows(one, one * 3 + 5)
    assert area > 0.99
    assert rescaled < 0.7


def test_a_batch_norm_that_knows_other_inputs_is_noticed():
    x, y = digits()
    x = x.view(-1, 1, 8, 8)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)
    )
    torch.manual_seed(0)
    for _ in range(60):
        model(x[torch.randint(len(x), (64,))])
    known = case(model, loader(x, y), nn.CrossEntropyLoss(), adam(1e-3))
    bytes_ = case(model, loader(x * 255, y), nn.CrossEntropyLoss(), adam(1e-3))
    usual, odd = seen(known, pretrained.PROBE), seen(bytes_, pretrained.PROBE)
    assert usual["pretrained.norm_ratio"] == pytest.approx(1, abs=0.3)
    assert usual["pretrained.norm_shift"] < 1
    assert odd["pretrained.norm_ratio"] > 50
