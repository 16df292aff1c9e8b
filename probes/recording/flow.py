"""Questions about how values flow between the observed operations of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from probes.recording import ops
from probes.recording.operation import Op

_PRODUCTS = frozenset({"matmul", "einsum", "mul"}) | ops.ATTENTION


def consumers(trace: Sequence[Op]) -> dict[int, list[int]]:
    """Return, for each operation, which operations inside the model take its output."""
    taken: dict[int, list[int]] = {op.index: [] for op in trace}
    for op in trace:
        for index in set(op.inputs):
            if index >= 0 and op.inside:
                taken[index].append(op.index)
    return taken


def feeding_weights(trace: Sequence[Op]) -> set[int]:
    """Return the operations whose output reaches an operation with weights: not the last layer."""
    found: set[int] = set()
    for op in reversed(trace):
        if op.inside and (op.weights is not None or op.index in found):
            found.update(index for index in op.inputs if index >= 0)
    return found


def has_nonlinearity(trace: Sequence[Op]) -> bool:
    """Return whether anything before the last weight layer is nonlinear in what layers made.

    Values from code that torch functions do not show (an autograd.Function) count as nonlinear.
    """
    before = feeding_weights(trace)
    for op in trace:
        if not op.inside:
            continue
        hidden = op.index in before and op.nonlinear and op.activation and op.depth > 0
        inherent = op.weights is not None and op.nonlinear
        if hidden or inherent or (op.weights is not None and -1 in op.inputs):
            return True
    return False


def linear_pairs(trace: Sequence[Op]) -> list[tuple[Op, Op]]:
    """Return the weight layers that follow each other through linear operations alone.

    Two such layers are one: a missing nonlinearity. Left out is what people build on purpose: pairs
    inside attention, depthwise with pointwise convolutions, low-rank pairs, spatially separated
    kernels, and layers whose output also goes elsewhere (residual branches, shortcuts).
    """
    taken = consumers(trace)
    found: dict[tuple[str, str], tuple[Op, Op]] = {}
    for first in trace:
        if first.weights is None or not first.inside or first.nonlinear:
            continue
        ends = _ends(first, trace, taken)
        if any(end.weights is None or end.nonlinear for end in ends):
            continue
        for second in ends:
            if second.weights is not None and _mistaken(first, second, trace, taken):
                found.setdefault((first.weights.layer, second.weights.layer), (first, second))
    return list(found.values())


def _mistaken(first: Op, second: Op, trace: Sequence[Op], taken: dict[int, list[int]]) -> bool:
    a, b = first.weights, second.weights
    assert a is not None
    assert b is not None
    if a.layer == b.layer or a.groups > 1 or b.groups > 1:
        return False
    if max([*a.window, *b.window], default=1) == 1 and a.width < min(a.inputs, b.width):
        return False  # a factorised (low-rank) layer
    if a.window and b.window and _separated(a.window, b.window):
        return False
    into_product = any(_product(end) for end in _ends(second, trace, taken))
    return not into_product and not _from_product(first, trace)


def _separated(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Return whether two kernels split one spatial window between them: 1x3 and 3x1."""
    return len(set(first)) > 1 and len(set(second)) > 1 and first != second


def _product(op: Op) -> bool:
    return op.weights is None and op.name in _PRODUCTS and not op.linear


def _from_product(op: Op, trace: Sequence[Op]) -> bool:
    """Return whether the input of `op` is a product of activations: an attention's values."""
    return any(_product(end) for end in _origins(op, trace))


def _ends(op: Op, trace: Sequence[Op], taken: dict[int, list[int]]) -> list[Op]:
    """Return the first operations after `op` that are not merely linear, within the model."""
    return list(_reach(op, lambda found: [trace[index] for index in taken[found.index]]))


def _origins(op: Op, trace: Sequence[Op]) -> list[Op]:
    return list(_reach(op, lambda found: [trace[i] for i in found.inputs if i >= 0]))


def _reach(op: Op, after: Callable[[Op], list[Op]]) -> Iterator[Op]:
    waiting, seen = after(op), {op.index}
    while waiting:
        found = waiting.pop()
        if found.index in seen:
            continue
        seen.add(found.index)
        if found.weights is None and found.linear:
            waiting += after(found)
        else:
            yield found
