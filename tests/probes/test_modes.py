from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.modes import PROBE
from tests.probes.observing import Composed, classes, facts

X, Y = classes()


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(backbone, nn.Linear(8, 5))


def _facts(model: nn.Module, **more: Any):
    if "step" not in more:
        more["loss_fn"] = F.cross_entropy
    return facts(PROBE, model, [(X, Y)], **more)


def test_a_model_in_training_mode_has_nothing_resting():
    seen = _facts(_network())
    assert seen["mode.training"].value is True
    assert seen["mode.matters"].value is True
    assert "mode.eval_modules" not in seen
    assert 0 < seen["mode.train_eval_gap"].value < 1


def test_a_model_handed_over_in_evaluation_mode_is_told_as_a_whole():
    seen = _facts(_network().eval())
    assert seen["mode.training"].value is False
    assert seen["mode.eval_modules"].where == ("model",)
    assert seen["mode.eval_frozen_only"].value is False


def test_a_resting_part_is_named_and_frozen_parts_are_deliberate():
    model = _network()
    model[0].eval()
    seen = _facts(model)
    assert seen["mode.training"].value is True
    assert seen["mode.eval_modules"].where == ("0",)
    assert seen["mode.eval_frozen_only"].value is False
    model[0].requires_grad_(False)
    assert _facts(model)["mode.eval_frozen_only"].value is True


def test_modes_do_not_matter_without_dropout_and_batch_normalisation():
    seen = _facts(nn.Sequential(nn.Linear(12, 8), nn.LayerNorm(8), nn.Linear(8, 5)).eval())
    assert seen["mode.matters"].value is False
    assert "mode.eval_modules" not in seen


def test_a_step_that_switches_to_evaluation_is_caught():
    def step(model: nn.Module, batch: Any, *, mode: bool = False) -> Tensor:
        model.train(mode)
        return F.cross_entropy(model(batch[0]), batch[1])

    assert _facts(_network(), step=step)["mode.step_evaluates"].value is True
    healthy = _facts(_network(), step=lambda m, b: step(m, b, mode=True))
    assert healthy["mode.step_evaluates"].value is False


def test_modes_and_statistics_are_as_before():
    model = _network()
    model[0][3].eval()
    mean = model[0][1].running_mean.clone()
    _facts(model)
    assert [m.training for m in model.modules()] == [True, True, True, True, True, False, True]
    assert torch.equal(model[0][1].running_mean, mean)


def test_dropout_that_never_rests_is_named():
    def network(training: bool) -> nn.Module:
        run = lambda m, x: m.b(F.dropout(m.a(x), 0.5, training and m.training is not None))  # noqa: E731
        return Composed(run, a=nn.Linear(12, 8), b=nn.Linear(8, 5))

    seen = _facts(network(True))
    assert seen["mode.eval_dropout"].where == ("model:dropout",)
    assert seen["mode.eval_is_random"].value is True
    assert "mode.eval_is_random" not in _facts(network(False))


def test_dropout_that_rests_leaves_evaluation_the_same():
    seen = _facts(_network())
    assert seen["mode.eval_is_random"].value is False
    assert seen["mode.eval_dropout_count"].value == 0
