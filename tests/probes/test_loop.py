from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.optimizer import _global_optimizer_pre_hooks

from probes import loop, precision
from probes.running.examination import Examination
from tests.clinic import loops
from tests.probes.fingerprint import bits
from tests.probes.small_cases import digits_case, mlp, seen, sgd


def whole(model: nn.Module | None = None, rate: float = 0.1, **how):
    given = digits_case(sgd(rate), model or mlp(64, 32, 10))
    made = loops.own_step(
        {"loss_fn": given.loss_fn, "optimizer": given.optimizer, "model": given.model}, **how
    )
    return type(given)(train_loader=given.train_loader, **made)


def facts(given):
    return seen(given, loop.PROBE)


def test_a_step_that_returns_the_loss_before_backward_says_nothing_more():
    plain = digits_case(sgd(0.1))
    step = lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1])  # noqa: E731
    given = type(plain)(plain.model, plain.train_loader, optimizer=plain.optimizer, step=step)
    assert facts(given) == {"loop.goes_backward": False}


def test_a_complete_step_is_sound():
    found = facts(whole())
    assert found["loop.goes_backward"] is True
    assert found["loop.updates"] == found["loop.calls"]
    assert found["loop.carries_gradients_over"] is False
    assert found["loop.clips"] is False
    assert found["loop.drop"] > 0.05


def test_without_zero_grad_the_gradient_grows_with_every_call():
    found = facts(whole(zero=False))
    assert found["loop.carries_gradients_over"] is True
    assert found["loop.gradient_over_fresh"] == pytest.approx(found["loop.calls"], rel=1e-3)


def test_without_step_no_weight_changes():
    found = facts(whole(update=False))
    assert found["loop.updates"] == 0
    assert found["loop.changes_weights"] is False


@pytest.mark.parametrize(
    ("how", "kept", "averages"),
    [
        ({}, 4, True),
        ({"divide": False}, 4, False),
        ({"zero_each": True}, 1, None),
    ],
)
def test_accumulation_is_told(how, kept, averages):
    found = facts(whole(accumulate=4, **how))
    assert found["loop.batches_per_update"] == 4
    assert found["loop.batches_kept_per_update"] == kept
    assert found.get("loop.averages_batches") is averages
    assert found["loop.carries_gradients_over"] is False


def test_clipping_is_measured_and_its_absence_tried():
    found = facts(whole(rate=0.5, clip=lambda model: clip_grad_norm_(model.parameters(), 1e-4)))
    assert found["loop.clip_bound"] == pytest.approx(1e-4)
    assert found["loop.clipped_share"] == 1
    expected = 1e-4 / found["loop.gradient_norm"]
    assert found["loop.gradient_left"] == pytest.approx(expected, rel=0.3)
    assert found["loop.drop_unclipped"] > 10 * abs(found["loop.drop"])


def test_clipping_by_hand_is_seen_in_the_gradients():
    def halve(model):
        for parameter in model.parameters():
            parameter.grad.mul_(0.5)

    found = facts(whole(clip=halve))
    assert found["loop.clips"] is True
    assert found["loop.gradient_left"] == pytest.approx(0.5, rel=1e-3)
    assert "loop.clip_bound" not in found


class Overflowing(nn.Module):
    def forward(self, x):
        return (x * 1000).square() * 1e-6


def half_case(model, unscale, bound=1.0):
    given = digits_case(sgd(0.1), model)
    scaler = torch.amp.GradScaler("cpu")

    def step(model, batch):
        given.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.cross_entropy(model(batch[0]), batch[1])
        scaler.scale(loss).backward()
        if unscale:
            scaler.unscale_(given.optimizer)
        clip_grad_norm_(model.parameters(), bound)
        scaler.step(given.optimizer)
        scaler.update()
        return loss

    loader = given.train_loader
    return type(given)(given.model, loader, optimizer=given.optimizer, step=step, scaler=scaler)


def test_clipping_before_unscaling_is_told_from_clipping_after():
    wrong = facts(half_case(mlp(64, 32, 10), unscale=False))
    right = facts(half_case(mlp(64, 32, 10), unscale=True))
    assert wrong["loop.clips_scaled_gradients"] is True
    assert wrong["loop.gradient_left"] < 1e-3
    assert right["loop.clips_scaled_gradients"] is False
    assert right["loop.gradient_left"] > 0.3
    assert seen(half_case(mlp(64, 32, 10), unscale=True), precision.PROBE) == {
        "amp.dtype": "float16",
        "amp.loss_overflows": False,
    }


def test_overflow_of_half_precision_is_proved_by_full_precision():
    given = half_case(nn.Sequential(nn.Linear(64, 10), Overflowing()), unscale=False)
    found = seen(given, loop.PROBE, precision.PROBE)
    assert found["amp.loss_overflows"] is True
    assert found["amp.skipped_share"] == 1


def test_nothing_stays_replaced_or_changed():
    given = whole(zero=False)
    before = [bits(parameter) for parameter in given.model.parameters()]
    replaced = (torch.autograd.backward, torch.nn.utils.clip_grad_norm_, torch.amp.GradScaler.step)
    with Examination(given) as exam:
        list(loop.PROBE.measure(exam))
    assert [bits(parameter) for parameter in given.model.parameters()] == before
    assert replaced == (
        torch.autograd.backward, torch.nn.utils.clip_grad_norm_, torch.amp.GradScaler.step
    )  # fmt: skip
    assert "step" not in vars(given.optimizer)
    assert not _global_optimizer_pre_hooks
