"""One observed torch function call: what it is, where it was called and what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from probes.case.batches import tensors_in
from probes.recording import ops
from probes.recording.kernels import Weights
from probes.recording.measured import Measured


@dataclass(frozen=True, slots=True)
class Call:
    """A torch function call under its canonical name."""

    name: str
    func: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    @property
    def tensors(self) -> list[Tensor]:
        """Return the tensors among the arguments, in order."""
        return [*tensors_in(list(self.args)), *tensors_in(dict(self.kwargs))]

    @property
    def groups(self) -> int:
        """Return a convolution's groups."""
        if self.name not in ops.CONVOLUTIONS:
            return 1
        return int(ops.argument(self.args, self.kwargs, 6, "groups", 1))


Block = Literal["flat", "cut"]  # a derivative of zero or none; taken out of the graph by the user


@dataclass(frozen=True, slots=True)
class Export:
    """Values that left PyTorch (`.item()`, `.numpy()`): the operation that made them, and how."""

    made_by: int
    where: str


@dataclass(frozen=True, slots=True)
class Op:
    """One observed torch function call inside the model or the loss. It keeps no activation.

    `inputs`: indices (in call order) of the operations whose activations it takes. `inside`: called
    within the model. `learned`: its output depends on a parameter; `data`: on the batch. `linear`:
    hands activations on without a nonlinearity. `depth`: weight layers passed so far.
    """

    index: int
    name: str  # canonical: "linear", "relu", "softmax", ...
    where: str  # "net.3"; "net.3:relu" for a function called in net.3; "#2" for its second call
    inputs: tuple[int, ...]
    inside: bool
    learned: bool
    data: bool
    linear: bool
    depth: int
    shape: tuple[int, ...]
    feeder: tuple[str, int]  # name and width of the last weighted operation, itself included
    weights: Weights | None = None
    measured: Measured | None = None
    parameters: tuple[str, ...] = ()  # the named parameters among its arguments
    made_of: tuple[str, ...] = ()  # the parameters it is made of, when of nothing else
    probability: float = 0.0  # of dropout, when it drops
    blocks: Block | None = None  # why no gradient passes it
    clipped: Tensor | None = None  # share of values that a clamp holds at its bounds

    @property
    def activation(self) -> bool:
        """Return whether it carries what the model makes of the batch."""
        return self.learned and self.data

    @property
    def is_activation(self) -> bool:
        """Return whether it is an activation function."""
        return self.name in ops.ACTIVATIONS

    @property
    def nonlinear(self) -> bool:
        """Return whether it makes the layers before and after it more than one linear layer."""
        if self.weights is not None:
            return self.name in ops.RECURRENT or self.name == "multi_head_attention"
        return not self.linear and self.name not in ops.EMBEDDINGS


def units_axis(op: Op) -> int:
    """Return the axis of an activation's units: channels after a convolution, else the last."""
    name, width = op.feeder
    channels = name in ops.CONVOLUTIONS and len(op.shape) > 2 and op.shape[1] == width
    return 1 if channels else len(op.shape) - 1
