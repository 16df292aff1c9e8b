"""A case says in one sentence what is wrong with it, and knows its optimizers and its device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from expert.errors import UsageError
from probes.case.case import Case
from tests.probes.sentences import said


def parts(**changes: Any) -> dict[str, Any]:
    """The smallest good case, with changes; a change to ... leaves the key out."""
    good = {"model": nn.Linear(2, 1), "train_loader": [], "loss_fn": nn.MSELoss(), **changes}
    return {name: value for name, value in good.items() if value is not ...}


class Labelled(nn.Module):
    """A model that computes its own loss, as those of Hugging Face do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        return {"loss": (x * self.weight - labels).square().mean()}


class Unregistered(nn.Module):
    """Layers in a plain list: no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "The case is None: return a dict or a Case"),
        (3, "The case is a int: return a dict or a Case"),
        (parts(modle=1), "unknown key `modle`: did you mean `model`?"),
        (parts(xyzzy=1), "unknown key `xyzzy`: known keys are model, train_loader"),
        (parts(model=...), "The case has no `model`"),
        (parts(train_loader=...), "The case has no `train_loader`"),
        (parts(train_loader=None), "The case has no `train_loader`"),
        (parts(model=nn.Linear), "`model` is the class Linear, not a model: write Linear(...)"),
        (parts(model=len), "`model` is a builtin_function_or_method: it must be a torch.nn.Module"),
        (parts(model=nn.ReLU()), "The model (ReLU) has no parameters"),
        (parts(model=Unregistered()), "layers kept in a plain list or dict are not seen"),
        (parts(loss_fn=...), "neither `loss_fn` nor `step`"),
        (parts(loss_fn=nn.MSELoss), "`loss_fn` is the class MSELoss: write MSELoss()"),
        (parts(loss_fn="mse"), "`loss_fn` is a str: it must be a function or a module"),
        (parts(step=1), "`step` is a int: it must be a function"),
        (parts(optimizer=torch.optim.SGD), "`optimizer` is the class SGD: it must be an optimizer"),
        (parts(optimizer=[1e-3]), "`optimizer` is float: it must be an optimizer"),
        (parts(task="classificaton"), "did you mean classification?"),
        (parts(num_classes=0), "`num_classes` is 0: it must be a positive integer"),
        (parts(epochs="10"), "`epochs` is '10': it must be a positive integer"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(given: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Case.of(given)
    assert message in said(caught.value)


def test_a_case_or_a_mapping_with_its_fields_is_taken() -> None:
    case = Case.of(parts(num_classes=3))
    assert case.num_classes == 3
    assert Case.of(case) is case


def test_a_step_or_a_model_with_labels_needs_no_loss() -> None:
    assert Case.of(parts(loss_fn=..., step=lambda model, batch: model(batch).sum())).loss_fn is None
    assert Case.of(parts(loss_fn=..., model=Labelled())).step is None


@pytest.mark.parametrize("kind", [list, tuple, lambda pair: dict(zip("ab", pair, strict=True))])
def test_several_optimizers_are_all_known(kind: Any) -> None:
    model = nn.Linear(2, 1)
    pair = [torch.optim.SGD([p], lr=0.1) for p in model.parameters()]
    case = Case.of(parts(model=model, optimizer=kind(pair)))
    assert case.optimizers == tuple(pair)
    assert case.optimizer is pair[0]
    assert Case.of(parts()).optimizers == ()


def test_the_device_is_that_of_the_model() -> None:
    assert Case.of(parts(model=nn.Linear(2, 1, device="meta"))).device().type == "meta"
