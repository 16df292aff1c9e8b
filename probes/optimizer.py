"""Probe of the optimizer: its settings, and whether it holds the model's own parameters.

Parameters are compared by identity: `.to(device)` keeps it, a replaced head or a copied model
does not, and the order of calls in the user's script does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from expert.language import Text
from expert.observation import Observation
from probes.case.case import Case
from probes.probe import Probe

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `optimizer.*` and `parameters.*`."""
    named = dict(exam.model.named_parameters())
    names, values = tuple(named), sum(p.numel() for p in named.values())
    trainable = [parameter for parameter in named.values() if parameter.requires_grad]
    frozen = tuple(not parameter.requires_grad for parameter in named.values())
    yield exam.observe("parameters.trainable_count", sum(p.numel() for p in trainable))
    yield exam.observe("parameters.frozen", frozen, where=names)
    free = sum(parameter.numel() for parameter in trainable)
    yield exam.observe("parameters.frozen_share", 1.0 - free / values if values else 0.0)
    if exam.case.optimizers:
        yield from _settings(exam)
        yield from _membership(exam, named)


def own_rate(case: Case) -> float:
    """Return the learning rate the user set: of the largest group, at the peak of a warm-up.

    A scheduler lowers the rate of the first steps (to 0, even); what the user chose is then the
    group's `initial_lr`, or OneCycleLR's `max_lr`.
    """
    return max(map(_group_rate, groups(case)), default=0.0)


def groups(case: Case) -> list[dict[str, Any]]:
    """Return the parameter groups of all optimizers."""
    return [group for optimizer in case.optimizers for group in optimizer.param_groups]


def _group_rate(group: dict[str, Any]) -> float:
    keys = ("lr", "initial_lr", "max_lr")
    return max((float(group[key]) for key in keys if key in group), default=0.0)


def _settings(exam: Examination) -> Iterator[Observation]:
    kinds = dict.fromkeys(type(optimizer).__name__ for optimizer in exam.case.optimizers)
    yield exam.observe("optimizer.kind", "+".join(kinds))
    if any("lr" in group for group in groups(exam.case)):
        yield exam.observe("optimizer.learning_rate", own_rate(exam.case))
    momenta = [m for group in groups(exam.case) if (m := _momentum(group)) is not None]
    if momenta:
        yield exam.observe("optimizer.momentum", max(momenta))
    decay = max(float(group.get("weight_decay", 0.0) or 0.0) for group in groups(exam.case))
    yield exam.observe("optimizer.weight_decay", decay)


def _momentum(group: dict[str, Any]) -> float | None:
    if "momentum" in group:
        return float(group["momentum"])
    betas = group.get("betas")
    return float(betas[0]) if isinstance(betas, tuple | list) and betas else None


def _membership(exam: Examination, named: dict[str, nn.Parameter]) -> Iterator[Observation]:
    held = {id(p): p for group in groups(exam.case) for p in group["params"]}
    trainable = {name: p for name, p in named.items() if p.requires_grad}
    missing = tuple(id(parameter) not in held for parameter in trainable.values())
    yield exam.observe("optimizer.missing", missing, where=tuple(trainable))
    total = sum(parameter.numel() for parameter in trainable.values())
    left = sum(p.numel() for p, out in zip(trainable.values(), missing, strict=True) if out)
    yield exam.observe("optimizer.missing_share", left / total if total else 0.0)
    known = {id(parameter) for parameter in exam.model.parameters()}
    if isinstance(exam.case.loss_fn, nn.Module):  # a loss may well learn something of its own
        known |= {id(parameter) for parameter in exam.case.loss_fn.parameters()}
    yield exam.observe("optimizer.foreign_count", sum(key not in known for key in held))


PROBE = Probe(
    id="optimizer",
    title=Text(en="The optimizer and what it holds", zh="优化器及其管理的参数"),
    needs=(),
    provides=(
        "optimizer.kind",
        "optimizer.learning_rate",
        "optimizer.momentum",
        "optimizer.weight_decay",
        "optimizer.missing",
        "optimizer.missing_share",
        "optimizer.foreign_count",
        "parameters.frozen",
        "parameters.frozen_share",
        "parameters.trainable_count",
    ),
    cost=0,
    measure=measure,
)
