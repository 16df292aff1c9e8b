"""Batches as loaders give them: labels, fingerprints, which ones are trained on and which not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

from probes.case.nested import tensors_in
from probes.watching.now import Now

MOST_BATCHES: Final = 512  # whose integer targets are kept
_MARKS: Final = 192  # values of a batch's fingerprint
_FINGERPRINTED: Final = 256


@dataclass(slots=True)
class Drawn:
    """One batch: the loader it came from, and a copy of its labels."""

    loader: Loader
    raw: Any = None  # kept until the next one where ranks are compared
    labels: Tensor | None = None
    trained: bool = False
    evaluated: bool = False


@dataclass(slots=True)
class Loader:
    """What was seen of the loaders over one data set."""

    place: str | None
    sampler: Any
    length: int | None
    labels: list[Tensor] = field(default_factory=list)
    drawn: int = 0
    opened: int = 0  # times that it was iterated over
    trained: int = 0
    evaluated: int = 0
    pairs: int = 0  # consecutive batches that were compared
    equal: int = 0
    mark: int | None = None
    resting: int = 0  # batches evaluated in training mode by a model for which it matters


class Loading:
    """All loaders of torch, by the data set that they read."""

    def __init__(self, now: Now, on_trained: Callable[[Any], None] | None = None) -> None:
        self.now = now
        self.on_trained = on_trained
        self.seen: dict[int, Loader] = {}
        self._current: Drawn | None = None
        self._slept: object = None  # the iterator that gave a batch nobody has looked at
        self.shapes: set[tuple[tuple[int, ...], ...]] = set()
        self._of: dict[int, Loader] = {}

    def opened(self, iterator: object, loader: Any) -> None:
        """Note that `loader` is being iterated over."""
        key = id(getattr(loader, "dataset", loader))
        if key not in self.seen:
            sampler = getattr(loader, "batch_sampler", None) or getattr(loader, "sampler", None)
            self.seen[key] = Loader(self.now.lines.of(loader), sampler, _length(loader))
        self.seen[key].opened += 1
        self._of[id(iterator)] = self.seen[key]
        if not self.seen[key].trained:  # whether it is trained on decides what it is
            self.now.wake()

    @property
    def current(self) -> Drawn | None:
        """The batch that was drawn last."""
        if self._slept is not None:
            loader = self._of.get(id(self._slept))
            self._slept, self._current = None, Drawn(loader) if loader is not None else None
        return self._current

    def nap(self, iterator: object) -> None:
        """Note that there was a batch."""
        self._slept = iterator

    def took(self, iterator: object, raw: Any) -> None:
        """Note a batch."""
        loader = self._of.get(id(iterator))
        if loader is None:
            return
        loader.drawn += 1
        drawn = Drawn(loader, raw if self.on_trained is not None else None)
        self._slept, self._current = None, drawn
        if loader.drawn <= _FINGERPRINTED:
            self._compare(loader, raw)
        if self.now.close:
            self.shapes.add(tuple(tuple(tensor.shape) for tensor in tensors_in(raw)))
        if len(loader.labels) < MOST_BATCHES:
            drawn.labels = _labels(raw)

    def trained(self) -> None:
        """Note that what was drawn last is trained on."""
        drawn = self.current
        if drawn is None or drawn.trained:
            return
        drawn.trained = True
        if self.on_trained is not None and drawn.loader.opened == 1:  # later ranks may swap parts
            self.on_trained(drawn.raw)
            drawn.raw = None
        drawn.loader.trained += 1
        if drawn.labels is not None:
            drawn.loader.labels.append(drawn.labels)

    def evaluated(self, *, training_mode: bool) -> bool:
        """Note that what was drawn last goes through a model without gradients.

        Returns whether it comes from a loader that is never trained on.
        """
        drawn = self.current
        if drawn is None or drawn.loader.trained:
            return False
        if not drawn.evaluated:
            drawn.evaluated = True
            drawn.loader.evaluated += 1
            drawn.loader.resting += training_mode
        return True

    def _compare(self, loader: Loader, raw: Any) -> None:
        mark = _fingerprint(raw)
        if mark is not None and loader.mark is not None and loader.length != 1:
            loader.pairs += 1
            loader.equal += mark == loader.mark
        loader.mark = mark


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None


def _fingerprint(raw: Any) -> int | None:
    marks = []
    for tensor in tensors_in(raw):
        if tensor.device.type != "cpu" or tensor.layout != torch.strided or not tensor.numel():
            return None
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // _MARKS)
        marks.append((tuple(tensor.shape), tuple(flat[::step].tolist())))
    return hash(tuple(marks)) if marks else None


def _labels(raw: Any) -> Tensor | None:
    """Return a copy of a batch's class numbers: its only small integer tensor, one per sample."""
    tensors = list(tensors_in(raw))
    size = tensors[0].shape[0] if tensors and tensors[0].dim() else 0
    fitting = [
        tensor
        for tensor in tensors
        if tensor.dtype in (torch.int64, torch.int32, torch.uint8)
        and tensor.shape in ((size,), (size, 1))
        and tensor.device.type == "cpu"
    ]
    return fitting[0].detach().reshape(-1).clone() if len(fitting) == 1 and size > 1 else None
