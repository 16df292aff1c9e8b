"""Small patients for the trials: one fault each, and the fix that a program can apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.case.case import Case
from tests.probes.small_cases import (
    adam,
    case,
    diabetes,
    digits,
    digits_case,
    loader,
    mlp,
    sgd,
    standard,
    tumours,
)

Build = Callable[[], Case]


class FunctionalSoftmax(nn.Module):
    """Softmax by method, before a view: what module hooks would not see."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(64, 32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).softmax(-1).reshape(len(x), -1)


class HiddenLayers(nn.Module):
    """Layers in a plain list, that nobody trains."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden = [nn.Linear(64, 16), nn.Linear(16, 4)]
        self.out = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        out: Tensor = self.out(x)
        return out


class FunctionalRelu(nn.Module):
    """A regression that ends in a rectifier, written as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(10, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x))


def regression(model: nn.Module, loss_fn: Any, *, flat: bool = False, raw: bool = False) -> Case:
    rows, targets = diabetes()
    targets = targets if raw else standard(targets)
    targets = targets[:, 0] if flat else targets
    return case(model, loader(rows, targets), loss_fn, adam(3e-3))


def rate_ten() -> Case:
    return digits_case(sgd(10.0))


def rate_tiny() -> Case:
    return digits_case(adam(1e-6))


def softmax_module() -> Case:
    return digits_case(sgd(0.05), nn.Sequential(mlp(64, 32, 10), nn.Softmax(-1)))


def softmax_function() -> Case:
    torch.manual_seed(0)
    return digits_case(sgd(0.05), FunctionalSoftmax())


def softmax_in_the_step() -> Case:
    model = mlp(64, 32, 10)

    def step(model: nn.Module, batch: Any) -> Tensor:
        inputs, labels = batch
        return F.cross_entropy(torch.softmax(model(inputs), 1), labels)

    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    return Case(model=model, train_loader=loader(*digits()), step=step, optimizer=optimizer)


def likelihood_of_logits() -> Case:
    return case(mlp(64, 32, 10), loader(*digits()), nn.NLLLoss(), adam(3e-3))


def sigmoid_twice() -> Case:
    rows, labels = tumours()
    model = nn.Sequential(mlp(30, 16, 1), nn.Sigmoid())
    return case(model, loader(standard(rows), labels), nn.BCEWithLogitsLoss(), adam(1e-3))


def broadcast() -> Case:
    return regression(mlp(10, 32, 1), lambda out, y: ((out - y) ** 2).mean(), flat=True)


def relu_module() -> Case:
    return regression(nn.Sequential(mlp(10, 32, 1), nn.ReLU()), nn.MSELoss())


def relu_function() -> Case:
    torch.manual_seed(0)
    return regression(FunctionalRelu(), nn.MSELoss())


def raw_inputs() -> Case:
    rows, labels = tumours()
    return case(mlp(30, 32, 1), loader(rows, labels), nn.BCEWithLogitsLoss(), sgd(0.05))


def raw_targets() -> Case:
    return regression(mlp(10, 32, 1), nn.MSELoss(), raw=True)


def missing_values() -> Case:
    rows, labels = tumours()
    rows = standard(rows).clone()
    rows[::9, 3] = torch.nan
    return case(mlp(30, 16, 1), loader(rows, labels), nn.BCEWithLogitsLoss(), adam(3e-3))


def sorted_by_class() -> Case:
    rows, labels = digits()
    order = labels.argsort()
    batches = loader(rows[order], labels[order], shuffle=False)
    return case(mlp(64, 32, 10), batches, nn.CrossEntropyLoss(), sgd(0.1, momentum=0.9))


def labels_from_one() -> Case:
    rows, labels = digits()
    return case(mlp(64, 32, 10), loader(rows, labels + 1), nn.CrossEntropyLoss(), adam(3e-3))


def zero_weights() -> Case:
    model = mlp(64, 32, 10)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return digits_case(adam(3e-3), model)


def dead_units() -> Case:
    model = mlp(64, 32, 10)
    nn.init.constant_(model[0].bias, -6.0)  # type: ignore[arg-type]
    return digits_case(adam(1e-2), model)


def deep_sigmoid() -> Case:
    return digits_case(sgd(0.1), mlp(64, *[32] * 7, 10, activation=nn.Sigmoid))


def much_dropout() -> Case:
    torch.manual_seed(0)
    parts = [nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.97), nn.Linear(32, 10)]
    return digits_case(adam(3e-3), nn.Sequential(*parts))


def much_decay() -> Case:
    return digits_case(lambda p: torch.optim.AdamW(p, 1e-2, weight_decay=30.0))


def frozen() -> Case:
    model = mlp(64, 32, 10)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model[2].bias.requires_grad_(True)  # type: ignore[union-attr]
    return digits_case(adam(3e-3), model)


def not_in_the_optimizer() -> Case:
    model = mlp(64, 32, 10)
    optimizer = torch.optim.Adam([model[2].bias], 3e-3)  # type: ignore[list-item]
    loss = nn.CrossEntropyLoss()
    return Case(model=model, train_loader=loader(*digits()), loss_fn=loss, optimizer=optimizer)


def hidden_layers() -> Case:
    return digits_case(adam(1e-2), HiddenLayers())


def wild_momentum() -> Case:
    return digits_case(sgd(0.2, momentum=0.999))


def squared_error_of_classes() -> Case:
    rows, labels = digits()
    hot = F.one_hot(labels, 10).float()
    return case(mlp(64, 32, 10), loader(rows, hot), nn.MSELoss(), sgd(0.1))


def one_output_cross_entropy() -> Case:
    rows, labels = tumours()
    batches = loader(standard(rows), labels)
    return case(mlp(30, 16, 1), batches, nn.CrossEntropyLoss(), adam(3e-3))


def resting_batch_norm() -> Case:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(32)
    norm.running_var.fill_(1e8)  # type: ignore[union-attr]
    model = nn.Sequential(nn.Linear(64, 32), norm, nn.ReLU(), nn.Linear(32, 10))
    return digits_case(sgd(0.1), model.eval())


def rare_class() -> Case:
    rows, labels = tumours()
    rows = standard(rows)
    keep = torch.cat([(labels[:, 0] == 1).nonzero()[:, 0], (labels[:, 0] == 0).nonzero()[:9, 0]])
    batches = loader(rows[keep], labels[keep])
    return case(mlp(30, 4, 1), batches, nn.BCEWithLogitsLoss(), sgd(0.02))


def own_loop(*, clip: float = 1e9, clears: bool = True) -> Case:
    model = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.2, momentum=0.9)

    def step(model: nn.Module, batch: Any) -> Tensor:
        if clears:
            optimizer.zero_grad()
        loss = F.cross_entropy(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    return Case(model=model, train_loader=loader(*digits()), step=step, optimizer=optimizer)


def clipped_to_nothing() -> Case:
    return own_loop(clip=1e-4)


def gradients_kept() -> Case:
    return own_loop(clears=False)


def healthy() -> Case:
    rows, labels = digits()
    return digits_case(adam(3e-3), val_loader=loader(rows[1500:], labels[1500:], shuffle=False))
