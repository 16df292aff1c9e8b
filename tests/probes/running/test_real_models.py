"""Models as people really build them: silence on the healthy, and one fault each is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from expert import Diagnosis, built_in_knowledge, diagnose
from probes.case.case import Case
from probes.running.events import ProbeEnded
from probes.running.run import run_probes
from tests.probes.running.real_models import HEALTHY, adamw

BUDGET = 60.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Casting complex values to real"),
]
torch.set_num_threads(1)


def built(name: str) -> Case:
    """Return the case, or skip where its library is not there (or does not fit torch's build)."""
    library = name.split()[0]
    if library in ("timm", "transformers"):
        try:
            importlib.import_module(library)
        except (ImportError, RuntimeError) as error:
            pytest.skip(f"{library} cannot be imported: {error}")
    return HEALTHY[name]()


def examined(case: Case) -> tuple[Diagnosis, list[ProbeEnded]]:
    events: list[Any] = []
    observations = run_probes(case, budget_s=BUDGET, on_event=events.append)
    ended = [event for event in events if isinstance(event, ProbeEnded)]
    return diagnose(observations, built_in_knowledge()), ended


def found_in(case: Case) -> list[str]:
    return [finding.cause for finding in examined(case)[0].findings]


def changed(case: Case, **changes: Any) -> Case:
    kept = ("model", "train_loader", "loss_fn", "step")
    parts: dict[str, Any] = {name: getattr(case, name) for name in kept}
    return Case(**{**parts, "optimizer": list(case.optimizers), **changes})


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_ones_are_left_in_peace(name: str) -> None:
    diagnosis, ended = examined(built(name))
    assert [finding.cause for finding in diagnosis.findings] == []
    assert [(e.id, e.reason) for e in ended if e.status == "failed"] == []


@pytest.mark.parametrize(
    "name",
    ["nn.Transformer", "lstm", "tied weights", "compiled", "transformers bert"],
)
def test_a_rate_a_hundred_times_too_high_is_found(name: str) -> None:
    case = built(name)
    for group in case.optimizers[0].param_groups:
        group["lr"] *= 100
    assert found_in(case)[:1] == ["learning-rate-too-high"]


def softmax_first(output: Any, target: Tensor) -> Tensor:
    scores = output[0] if isinstance(output, tuple) else getattr(output, "logits", output)
    return F.cross_entropy(scores.softmax(-1), target)


@pytest.mark.parametrize("name", ["lstm", "complex", "bfloat16", "compiled", "transformers bert"])
def test_a_softmax_before_the_loss_is_found(name: str) -> None:
    assert found_in(changed(built(name), loss_fn=softmax_first))[:1] == ["double-softmax"]


@pytest.mark.parametrize("name", ["nn.Transformer", "lstm", "tied weights", "transformers bert"])
def test_fresh_weights_that_are_frozen_are_found(name: str) -> None:
    case = built(name)
    for parameter in list(case.model.parameters())[:-2]:
        parameter.requires_grad_(False)
    assert found_in(case)[:1] == ["frozen-parameters"]


@pytest.mark.parametrize(
    "name", ["nn.Transformer", "lstm", "compiled", "transformers bert", "transformers gpt2"]
)
def test_parameters_that_no_optimizer_holds_are_found(name: str) -> None:
    case = built(name)
    held: Callable[[Any], Any] = adamw(1e-3)
    case = changed(case, optimizer=held(list(case.model.parameters())[-2:]))
    assert found_in(case)[:1] == ["parameters-not-in-optimizer"]
