"""What a rank notes of itself so that a reader of all ranks' notes can compare them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DistributedSampler

from probes.case.nested import tensors_in
from probes.watching.readings import is_sharded

if TYPE_CHECKING:
    from probes.watching.loading import Loader
    from probes.watching.watcher import Watcher

_PARAMETERS: Final = 64
_VALUES: Final = 8  # of each of them
_BATCHES: Final = 64
_SAMPLES: Final = 2048
_MARKS: Final = 16  # values of a sample


class Replicas:
    """Marks of the first batches, and values of the parameters at steps 1, 2, 4, 8, ..."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.samples: list[int] = []
        self.values: dict[int, list[float]] = {}
        self.sizes: list[int] = []
        self.wrappers: list[weakref.ref[nn.Module]] = []
        self.opened: dict[int, int] = {}  # epochs begun, by sampler
        self.epochs: set[int] = set()  # of distributed samplers

    def built(self, module: nn.Module) -> None:
        """Note a module that spreads another over the ranks."""
        if isinstance(module, DistributedDataParallel):
            self.wrappers.append(weakref.ref(module))

    def trained_on(self, raw: Any) -> None:
        """Note a batch that is trained on."""
        tensors = [t for t in tensors_in(raw) if t.dim() and t.numel() and t.device.type == "cpu"]
        if not tensors or len(self.batches) >= _BATCHES:
            return
        size = tensors[0].shape[0]
        self.sizes.append(size)
        rows = [_strided(t, size) for t in tensors if t.shape[0] == size]
        marks = [hash(tuple(map(tuple, sample))) for sample in zip(*rows, strict=True)]
        self.batches.append(hash(tuple(marks)))
        self.samples += marks[: _SAMPLES - len(self.samples)]

    def stepped(self, step: int, optimizer: Any) -> bool:
        """Note values of the parameters after step 1, 2, 4, ...; returns whether it was one."""
        if step & (step - 1):
            return False
        held = [p for group in optimizer.param_groups for p in group["params"]]
        whole = [p for p in held if not is_sharded(p) and p.numel() and p.is_floating_point()]
        stride = max(1, -(-len(whole) // _PARAMETERS))
        parts = []
        for parameter in whole[::stride]:
            flat = parameter.detach().reshape(-1)
            parts.append(flat[:: max(1, flat.numel() // _VALUES)][:_VALUES].float().cpu())
        if parts:
            self.values[step] = torch.cat(parts).tolist()
        return bool(parts)


def _strided(tensor: Tensor, size: int) -> list[list[float]]:
    flat = tensor.detach().reshape(size, -1)
    rows: list[list[float]] = flat[:, :: max(1, flat.shape[1] // _MARKS)][:, :_MARKS].tolist()
    return rows


def record(watcher: Watcher) -> dict[str, Any]:
    """Return what this rank knows of itself, as JSON holds it."""
    replicas, now = watcher.replicas, watcher.now
    assert replicas is not None
    trained = [loader for loader in watcher.loading.seen.values() if loader.trained]
    main = max(trained, key=lambda loader: loader.trained, default=None)
    return {
        "steps": now.step,
        "backwards": now.backwards,
        "trained": main.trained if main is not None else 0,
        "place": now.lines.most("backward"),
        "batches": replicas.batches,
        "samples": replicas.samples,
        "batch_size": max(replicas.sizes, default=0),
        "values": {str(step): values for step, values in replicas.values.items()},
        "nonfinite_loss": watcher.losses.first_nonfinite,
        **_wrapping(watcher),
        **_sampling(main),
        **_sharded(watcher),
    }


def _wrapping(watcher: Watcher) -> dict[str, Any]:
    replicas = watcher.replicas
    live = [w() for w in replicas.wrappers] if replicas is not None else []
    wrappers = [module for module in live if isinstance(module, DistributedDataParallel)]
    through = past = 0
    plain_norm = False
    for wrapper in wrappers:
        for model in watcher.forwards.models.values():
            through += model.calls if model.module() is wrapper else 0
            past += model.calls if model.module() is wrapper.module else 0
        plain_norm |= any(_is_plain_norm(m) for m in wrapper.modules())
    main = watcher.settings.main
    module = main.module() if main is not None else None
    own = list(module.parameters()) if module is not None else []
    held = [
        p
        for seen in watcher.updates.seen.values()
        if (optimizer := seen.optimizer()) is not None
        for group in optimizer.param_groups
        for p in group["params"]
    ]
    sharded = any(map(is_sharded, own))
    ids = {id(p) for p in own}
    return {
        "wrapper": "ddp" if wrappers else "fsdp" if sharded else None,
        "through": through,
        "past": past,
        "plain_norm": plain_norm,
        "held_before": sharded and bool(held) and not any(id(p) in ids for p in held),
    }


def _is_plain_norm(module: nn.Module) -> bool:
    kinds = nn.modules.batchnorm._BatchNorm
    return (
        isinstance(module, kinds) and not isinstance(module, nn.SyncBatchNorm) and module.training
    )


def _sampling(loader: Loader | None) -> dict[str, Any]:
    given = loader.sampler if loader is not None else None
    sampler = getattr(given, "sampler", given)
    divides = isinstance(sampler, DistributedSampler) or hasattr(sampler, "num_replicas")
    return {
        "divides": bool(divides),
        "epochs_begun": loader.opened if loader is not None else 0,
        "sampler_shuffles": bool(getattr(sampler, "shuffle", False)) if divides else None,
        "sampler_epoch": getattr(sampler, "epoch", None) if divides else None,
    }


def _sharded(watcher: Watcher) -> dict[str, Any]:
    """Return the squares of this rank's parts, from which the whole tensors' norms follow."""
    main = watcher.settings.main
    if main is None:
        return {}
    squares: dict[str, list[list[float]]] = {}
    for seen in watcher.updates.seen.values():
        for key, weight in seen.weights.items():
            tensor = weight.tensor()
            if tensor is not None and is_sharded(tensor) and key in main.names:
                squares[main.names[key]] = [list(entry) for entry in weight.squares]
    return {"squares": squares} if squares else {}
