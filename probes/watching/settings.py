"""How the model is set at a step: what the optimizer holds, which modules are in which mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

from torch import nn
from torch.optim import Optimizer

from expert.observation import Observation, Value
from probes import optimizer as optimizer_probe
from probes.modes import is_frozen, resting_parts
from probes.quantities.hidden import hidden_parameters
from probes.watching.forwards import Model
from probes.watching.updates import Stepped

ORIGIN = "watch"
_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


class StandIn:
    """What a probe that only looks gets in place of an Examination."""

    def __init__(self, model: nn.Module | None, case: Any) -> None:
        self.model = model
        self.case = case
        self.found: dict[str, Observation] = {}

    def observe(
        self, name: str, value: Value, where: tuple[str, ...] = (), unit: str | None = None
    ) -> Observation:
        """Return an observation of the watching's."""
        return Observation(name, value, where, ORIGIN, unit)

    def restored(self, parts: str) -> AbstractContextManager[None]:
        """Put nothing back: what looks here touches copies."""
        return nullcontext()

    def progress(self, fraction: float) -> None:
        """Do nothing: nobody waits."""

    def count_steps(self, steps: int) -> None:
        """Do nothing: no step is taken."""


class Settings:
    """The latest settings of the main model: the largest that an optimizer holds parts of."""

    def __init__(self) -> None:
        self.main: Model | None = None
        self.facts: dict[str, Observation] = {}
        self.repeated: str | None = None  # where an optimizer was made for what another one holds
        self._next = 0

    def note(
        self,
        step: int,
        models: Mapping[int, Model],
        steps: Mapping[int, Stepped],
        place_of: Callable[[object], str | None],
    ) -> None:
        """Look at the models; `step` numbers ever farther apart are looked at."""
        if step < self._next or not models:
            return
        self._next = 2 * step if step > 1 else step + 1
        optimizers = [o for o in (s.optimizer() for s in steps.values()) if o is not None]
        held = {id(p) for o in optimizers for g in o.param_groups for p in g["params"]}
        twice = _repeated(optimizers)
        self.repeated = place_of(twice) if twice is not None else None

        def rank(model: Model) -> tuple[bool, int, int]:
            own = len(held & set(model.names))
            forgotten = twice is not None and not own and _gets_gradients(model)
            return not forgotten, -own, -model.parameters

        ranked = sorted(models.values(), key=rank)
        main = next((m for m in ranked if m.module() is not None and m.parameters), None)
        module = main.module() if main is not None else None
        if main is None or module is None:
            return
        if self.main is not main:
            self.facts = {}
        self.main = main
        own = {id(p) for p in module.parameters()}
        holding = [
            o for o in optimizers if any(id(p) in own for g in o.param_groups for p in g["params"])
        ]
        case = SimpleNamespace(optimizers=holding or optimizers, loss_fn=None)
        exam: Any = StandIn(module, case)
        found = [*optimizer_probe.measure(exam), *_modes(exam), *_parts(exam)]
        found += _unregistered(exam, held)
        first = next(iter(main.order), None)
        if first is not None and isinstance(module.get_submodule(first), _NORMS):
            found.append(exam.observe("model.normalises_input", True))
        self.facts |= {fact.name: fact for fact in found}


def _repeated(optimizers: Sequence[Optimizer]) -> Optimizer | None:
    """Return one that holds nothing but what an earlier one holds as well."""
    held: set[int] = set()
    for optimizer in optimizers:
        own = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if own and own <= held:
            return optimizer
        held |= own
    return None


def _gets_gradients(model: Model) -> bool:
    module = model.module()
    trained = [p for p in module.parameters() if p.requires_grad] if module is not None else []
    return bool(trained) and all(p.grad is not None for p in trained)


def _modes(exam: Any) -> list[Observation]:
    module: nn.Module = exam.model
    resting = dict(resting_parts(module, "", True)) if module.training else {}
    if not resting:
        return []
    return [
        exam.observe("mode.eval_modules", (True,) * len(resting), tuple(resting)),
        exam.observe("mode.eval_frozen_only", all(map(is_frozen, resting.values()))),
    ]


def _parts(exam: Any) -> list[Observation]:
    modules = list(exam.model.modules())
    dropped = [float(m.p) for m in modules if isinstance(m, nn.modules.dropout._DropoutNd)]
    normed = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in modules)
    return [
        exam.observe("model.parameters", sum(p.numel() for p in exam.model.parameters())),
        exam.observe("model.has_batchnorm", normed),
        exam.observe("model.has_dropout", any(p > 0 for p in dropped)),
        exam.observe("model.dropout_max", max(dropped, default=0.0)),
    ]


def _unregistered(exam: Any, held: set[int]) -> list[Observation]:
    """Tell of tensors inside the model that got gradients, and that nobody registered or holds."""
    hidden = hidden_parameters(exam.model).items()
    names = tuple(name for name, t in hidden if t.grad is not None and id(t) not in held)
    count = exam.observe("parameters.unregistered_count", len(names))
    return [
        count,
        *([exam.observe("parameters.unregistered", (True,) * len(names), names)] if names else []),
    ]
