"""The case: what the user hands over to be examined."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn, cast

import torch
from torch import nn

from expert.errors import UsageError
from expert.spelling import nearest


@dataclass(frozen=True)
class Case:
    """A model with everything that trains it.

    Only `model`, `train_loader` and one of `loss_fn` and `step` are required. `step(model, batch)`
    returns the loss (a scalar tensor, before `backward`) for training loops that are not
    `loss_fn(model(inputs), targets)`. `optimizer` may be a list or dict of optimizers: the
    attribute then holds the first and `optimizers` all of them.
    """

    model: nn.Module
    train_loader: Any
    loss_fn: Callable[..., Any] | None = None
    optimizer: torch.optim.Optimizer | None = None
    val_loader: Any = None
    test_loader: Any = None
    task: str | None = None
    num_classes: int | None = None
    epochs: int | None = None
    scheduler: Any = None
    scaler: Any = None
    step: Callable[[nn.Module, Any], Any] | None = None
    metric: Callable[..., Any] | None = None
    optimizers: tuple[torch.optim.Optimizer, ...] = field(init=False)
    #: Lines of the user's code that build the parts, when they were seen: see `construction`.
    places: Mapping[str, str] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _check_model(self.model)
        _check_objective(self)
        _check_train_loader(self.train_loader)
        _check_declared(self)
        optimizers = _all_optimizers(self.optimizer)
        object.__setattr__(self, "optimizers", optimizers)
        object.__setattr__(self, "optimizer", optimizers[0] if optimizers else None)

    @classmethod
    def of(cls, given: object) -> Case:
        """Return `given` (a Case or a mapping with its fields) as a Case.

        Raises UsageError, one sentence, for anything that cannot be a case.
        """
        if isinstance(given, Case):
            return given
        if not isinstance(given, Mapping):
            _refuse_rubbish(given)
        values = dict(given)
        _check_keys(values)
        return cls(**values)

    def device(self) -> torch.device:
        """Return where the model lives (the device of its first parameter or buffer)."""
        for tensor in _tensors_of(self.model):
            return tensor.device
        return torch.device("cpu")


FIELDS: Final = tuple(entry.name for entry in fields(Case) if entry.init)
TASKS: Final = (
    "classification",
    "binary",
    "multilabel",
    "regression",
    "autoencoder",
    "language-model",
    "unknown",
)


def _tensors_of(model: nn.Module) -> Iterator[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()


def takes_labels(model: nn.Module) -> bool:
    """Return whether the model computes its own loss when called with `labels` (Hugging Face)."""
    try:
        return "labels" in inspect.signature(model.forward).parameters
    except (TypeError, ValueError):
        return False


def _refuse_rubbish(given: object) -> NoReturn:
    if given is None:
        raise UsageError(
            en="The case is None: return a dict or a Case with at least model, train_loader"
            " and loss_fn.",
            zh="案例为 None：请返回至少包含 model、train_loader 和 loss_fn 的 dict 或 Case。",
        )
    kind = type(given).__name__
    raise UsageError(
        en=f"The case is a {kind}: return a dict or a Case with at least model, train_loader"
        " and loss_fn.",
        zh=f"案例的类型是 {kind}：请返回至少包含 model、train_loader 和 loss_fn 的 dict 或 Case。",
    )


def _check_keys(values: Mapping[Any, Any]) -> None:
    for key in values:
        if key not in FIELDS:
            _refuse_key(str(key))
    for required in ("model", "train_loader"):
        if values.get(required) is None:
            raise UsageError(
                en=f"The case has no `{required}`: add it to what your function returns.",
                zh=f"案例中缺少 `{required}`：请在函数的返回值中加上它。",
            )


def _refuse_key(key: str) -> NoReturn:
    near = nearest(key, FIELDS)
    known = ", ".join(FIELDS)
    raise UsageError(
        en=f"The case has an unknown key `{key}`: "
        + (f"did you mean `{near}`?" if near else f"known keys are {known}."),
        zh=f"案例中有未知的键 `{key}`："
        + (f"您是否想写 `{near}`？" if near else f"可用的键有 {known}。"),
    )


def _check_model(model: object) -> None:
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise UsageError(
            en=f"`model` is the class {model.__name__}, not a model: write {model.__name__}(...).",
            zh=f"`model` 是类 {model.__name__} 而不是模型实例：请写成 {model.__name__}(...)。",
        )
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise UsageError(
            en=f"`model` is a {kind}: it must be a torch.nn.Module.",
            zh=f"`model` 的类型是 {kind}：它必须是 torch.nn.Module。",
        )
    if next(model.parameters(), None) is None:
        raise UsageError(
            en=f"The model ({type(model).__name__}) has no parameters, so there is nothing to"
            " train: layers kept in a plain list or dict are not seen, use nn.ModuleList or"
            " nn.ModuleDict.",
            zh=f"模型（{type(model).__name__}）没有参数，因此没有可训练的内容：放在普通 list 或"
            " dict 中的层不会被注册，请使用 nn.ModuleList 或 nn.ModuleDict。",
        )


def _check_objective(case: Case) -> None:
    for name in ("loss_fn", "step", "metric"):
        _check_callable(name, getattr(case, name))
    if case.loss_fn is None and case.step is None and not takes_labels(case.model):
        raise UsageError(
            en="The case has neither `loss_fn` nor `step`: add loss_fn (called with the model's"
            " output and the targets) or step(model, batch) that returns the loss.",
            zh="案例中既没有 `loss_fn` 也没有 `step`：请加上 loss_fn（以模型输出和目标调用），"
            "或返回损失的 step(model, batch)。",
        )


def _check_callable(name: str, given: object) -> None:
    if isinstance(given, type) and issubclass(given, nn.Module):
        raise UsageError(
            en=f"`{name}` is the class {given.__name__}: write {given.__name__}().",
            zh=f"`{name}` 是类 {given.__name__}：请写成 {given.__name__}()。",
        )
    if given is not None and not callable(given):
        kind = type(given).__name__
        raise UsageError(
            en=f"`{name}` is a {kind}: it must be a function or a module that can be called.",
            zh=f"`{name}` 的类型是 {kind}：它必须是可以调用的函数或模块。",
        )


def _check_train_loader(loader: object) -> None:
    if loader is None:
        raise UsageError(
            en="The case has no `train_loader`: add it to what your function returns.",
            zh="案例中缺少 `train_loader`：请在函数的返回值中加上它。",
        )


def _check_declared(case: Case) -> None:
    if case.task is not None and case.task not in TASKS:
        hint = nearest(str(case.task), TASKS) or ", ".join(TASKS)
        raise UsageError(
            en=f"`task` is {case.task!r}, which is not known: did you mean {hint}?",
            zh=f"`task` 的值 {case.task!r} 无法识别：您是否想写 {hint}？",
        )
    for name in ("num_classes", "epochs"):
        value = getattr(case, name)
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or value < 1
        ):
            raise UsageError(
                en=f"`{name}` is {value!r}: it must be a positive integer.",
                zh=f"`{name}` 的值是 {value!r}：它必须是正整数。",
            )


def _all_optimizers(given: object) -> tuple[torch.optim.Optimizer, ...]:
    if given is None:
        return ()
    if isinstance(given, Mapping):
        members: Sequence[object] = tuple(given.values())
    elif isinstance(given, list | tuple):
        members = given
    else:
        members = (given,)
    for member in members:
        _check_optimizer(member)
    return cast("tuple[torch.optim.Optimizer, ...]", tuple(members))


def _check_optimizer(given: object) -> None:
    if not isinstance(given, type) and hasattr(given, "param_groups") and hasattr(given, "step"):
        return
    kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    raise UsageError(
        en=f"`optimizer` is {kind}: it must be an optimizer such as"
        " torch.optim.Adam(model.parameters(), lr=1e-3), or a list of them.",
        zh=f"`optimizer` 是 {kind}：它必须是优化器，例如"
        " torch.optim.Adam(model.parameters(), lr=1e-3)，或由它们组成的列表。",
    )
