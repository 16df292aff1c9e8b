from __future__ import annotations

import torch
from torch import nn

from probes import generalisation
from tests.probes.small_cases import adam, case, diabetes, digits, loader, mlp, seen, sgd, standard


def fitted(samples, epochs, model, rate=3e-3):
    rows, target = diabetes()
    target = standard(target)
    given = case(
        model,
        loader(rows[:samples], target[:samples], size=16),
        nn.MSELoss(),
        adam(rate),
        val_loader=loader(rows[300:], target[300:], shuffle=False),
        epochs=epochs,
    )
    return seen(given, generalisation.PROBE)


def test_a_wide_network_on_few_samples_loses_what_it_had_gained():
    found = fitted(40, 80, mlp(10, 256, 256, 1))
    assert found["fit.train_drop"] > 0.9
    assert found["fit.val_rise"] > 0.3
    assert found["fit.best_at_epoch"] < 40


def test_a_linear_model_does_not():
    found = fitted(300, 10, mlp(10, 1))
    assert found["fit.val_rise"] < 0.15
    assert abs(found["fit.gap"]) < 0.3


def test_a_part_of_the_training_set_says_nothing_of_the_whole():
    rows, labels = torch.randn(6000, 8), torch.arange(6000) % 2
    given = case(
        mlp(8, 2),
        loader(rows, labels, size=16),
        nn.CrossEntropyLoss(),
        adam(1e-3),
        val_loader=loader(rows[:64], labels[:64]),
    )
    assert not [name for name in seen(given, generalisation.PROBE) if name.startswith("fit.")]


def test_a_training_that_stops_short_would_go_on_falling():
    rows, labels = digits()
    given = case(
        mlp(64, 32, 10),
        loader(rows[:400], labels[:400]),
        nn.CrossEntropyLoss(),
        sgd(0.1),
        val_loader=loader(rows[1400:], labels[1400:]),
        epochs=2,
    )
    found = seen(given, generalisation.PROBE)
    assert found["fit.planned_updates"] == 26
    assert found["fit.drop_by_twice_as_long"] > 0.1


def test_both_losses_are_told_at_each_look():
    found = fitted(300, 10, mlp(10, 1))
    train, val = found["fit.train_losses"], found["fit.val_losses"]
    assert len(train) == len(val) > 5
    assert (train[0], train[-1]) == (found["fit.train_loss_start"], found["fit.train_loss_end"])
    assert min(val) == found["fit.val_loss_best"]


def under_changes(labels, rows=None, **more):
    images = (digits()[0] if rows is None else rows).reshape(-1, 1, 8, 8) * 4 - 2
    torch.manual_seed(0)
    given = case(
        nn.Sequential(nn.Flatten(), *mlp(64, 64, int(labels.max()) + 1)),
        loader(images[:1200], labels[:1200]),
        nn.CrossEntropyLoss(),
        adam(3e-3),
        val_loader=loader(images[1200:], labels[1200:], shuffle=False),
        epochs=6,
        **more,
    )
    return seen(given, generalisation.PROBE)


def test_a_mirrored_digit_is_another_one_and_a_little_noise_does_not_matter():
    found = under_changes(digits()[1])
    assert found["sensitivity.mirrored"] > 0.5
    assert found["sensitivity.noise"] < 0.1
    assert 0 < found["sensitivity.rotated"] < found["sensitivity.mirrored"]


def test_what_is_alike_on_both_sides_survives_mirroring():
    rows = digits()[0].reshape(-1, 8, 8)
    even = ((rows + rows.flip(2)) / 2).reshape(-1, 64)
    assert under_changes(digits()[1], even)["sensitivity.mirrored"] < 1e-4


def test_rows_are_neither_mirrored_nor_turned():
    found = fitted(300, 10, mlp(10, 16, 1))
    assert 0 <= found["sensitivity.noise"] < 0.2
    assert not {"sensitivity.mirrored", "sensitivity.rotated"} & set(found)


def test_nothing_learnt_is_nothing_to_lose():
    shuffled = digits()[1][torch.randperm(1797, generator=torch.Generator().manual_seed(0))]
    assert not [name for name in under_changes(shuffled) if name.startswith("sensitivity.")]
