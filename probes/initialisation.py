"""Probe of the weights as they are before training: their scale against what is usual.

Usual are LeCun's 1/sqrt(fan in), Glorot and Bengio's sqrt(2/(fan in + fan out)), He's
sqrt(2/fan in) (for convolutions also by fan out), PyTorch's own 1/sqrt(3 fan in), and orthogonal
matrices. A scale inside that band is as good as another; beyond it, signals shrink or grow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.probe import Probe
from probes.quantities.fresh_weights import looks_fresh
from probes.recording.kernels import Kernel, Weights
from probes.recording.ops import EMBEDDINGS
from probes.recording.recording import Recording

if TYPE_CHECKING:
    from probes.running.examination import Examination


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `weight.*` and `bias.max_abs`, layer by layer in forward order."""
    held = [op.weights for op in exam.recording.layers.values() if op.weights is not None]
    tables = _embedding_tables(exam.recording)
    kernels = [
        kernel
        for weights in held
        if not tables & set(weights.parameters)  # an output layer tied to an embedding
        for kernel in weights.kernels
        if kernel.matrix.numel()
    ]
    if kernels:
        yield from _weights(exam, kernels)
        yield from _frozen(exam, held)
    biased = [(weights.layer, weights.biases) for weights in held if weights.biases]
    if biased:
        largest = [torch.stack([_top(bias) for bias in biases]).max() for _, biases in biased]
        values = tuple(torch.stack(_together(largest)).tolist())
        yield exam.observe("bias.max_abs", values, tuple(layer for layer, _ in biased))


def _embedding_tables(recording: Recording) -> set[str]:
    """Return the parameters that are looked up as embeddings: N(0, 1) is usual for them."""
    looked_up = [op for op in recording.ops if op.name in EMBEDDINGS]
    return {name for op in looked_up for name in op.parameters}


def _weights(exam: Examination, kernels: Sequence[Kernel]) -> Iterator[Observation]:
    where = tuple(kernel.name for kernel in kernels)
    rows = torch.stack(_together([_statistics(kernel) for kernel in kernels])).tolist()
    ratios = tuple(std_over_expected(k, row[1]) for k, row in zip(kernels, rows, strict=True))
    yield exam.observe("weight.std_over_expected", ratios, where)
    yield exam.observe("weight.std", tuple(row[1] for row in rows), where)
    yield exam.observe("weight.mean_over_std", tuple(map(_offset, rows)), where)
    yield exam.observe("weight.constant", tuple(row[2] == 1 for row in rows), where)
    yield exam.observe("weight.symmetric", tuple(row[3] == 1 for row in rows), where)
    yield exam.observe("weight.nonfinite", tuple(row[4] == 1 for row in rows), where)


def _frozen(exam: Examination, held: Sequence[Weights]) -> Iterator[Observation]:
    """Tell how much of the frozen weights is as an initialisation left it."""
    resting = {name for name, p in exam.model.named_parameters() if not p.requires_grad}
    frozen = [weights for weights in held if set(weights.parameters) <= resting]
    kernels = [kernel for weights in frozen for kernel in weights.kernels]
    known = [(k.matrix.numel(), fresh) for k in kernels if (fresh := looks_fresh(k)) is not None]
    if known:
        share = sum(size for size, fresh in known if fresh) / sum(size for size, _ in known)
        yield exam.observe("parameters.frozen_untrained_share", share)


def _offset(row: Sequence[float]) -> float:
    mean, std = abs(row[0]), row[1]
    return mean / std if std else (math.inf if mean else 0.0)


def _statistics(kernel: Kernel) -> Tensor:
    """Return mean, std, and the flags constant, symmetric and nonfinite, on the device."""
    with torch.no_grad():
        weight = kernel.matrix.detach().float()
        var, mean = torch.var_mean(weight, correction=0)
        lowest, highest = torch.aminmax(weight)
        constant = lowest == highest
        alike = (weight == weight[:1]).all() if weight.shape[0] > 1 else torch.zeros_like(constant)
        flags = [constant & (weight.numel() > 1), alike, ~torch.isfinite(var)]
        std = torch.where(constant, 0.0, var.sqrt())
        return torch.stack([mean, std, *(flag.float() for flag in flags)])


def std_over_expected(kernel: Kernel, std: float) -> float:
    """Return `std` over the nearest usual one: 1.0 within the band, below 1 for smaller weights.

    The std of n weights is only known to about 1/sqrt(2n); three times that is allowed for.
    """
    low, high = expected_band(kernel)
    doubt = min(0.9, 3.0 / math.sqrt(2.0 * kernel.matrix.numel()))
    if std < low:
        return min(1.0, std / (low * (1.0 - doubt)))
    return max(1.0, std / (high * (1.0 + doubt))) if std > high else 1.0


def expected_band(kernel: Kernel) -> tuple[float, float]:
    """Return the smallest and the largest usual standard deviation for the kernel's fans."""
    usual = []
    for fan_in in kernel.fan_ins:
        for fan_out in kernel.fan_outs:
            usual += [1.0 / math.sqrt(3.0 * fan_in), math.sqrt(2.0 / fan_in)]
            usual += [math.sqrt(2.0 / (fan_in + fan_out)), 1.0 / math.sqrt(max(fan_in, fan_out))]
            usual += [math.sqrt(2.0 / fan_out)] if kernel.convolutional else []
    return min(usual), max(usual)


def _top(values: Tensor) -> Tensor:
    return values.detach().float().abs().max() if values.numel() else values.new_zeros(())


def _together(tensors: Sequence[Tensor]) -> list[Tensor]:
    device = tensors[0].device
    return [tensor.to(device) for tensor in tensors]


PROBE = Probe(
    id="initialisation",
    title=Text(en="Weights before training", zh="训练前的权重"),
    needs=(),
    provides=(
        "weight.std_over_expected",
        "weight.std",
        "weight.mean_over_std",
        "weight.constant",
        "weight.symmetric",
        "weight.nonfinite",
        "bias.max_abs",
        "parameters.frozen_untrained_share",
    ),
    cost=1,
    measure=measure,
)
