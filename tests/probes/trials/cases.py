"""Small patients for the trials: one fault each, and the fix that a program can apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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


def many_sigmoids() -> Case:
    return digits_case(adam(1e-2), mlp(64, *[32] * 8, 10, activation=nn.Sigmoid))


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


def narrow() -> Case:
    return digits_case(adam(1e-2), mlp(64, 1, 10))


def only_linear() -> Case:
    """Exclusive or, for which one linear layer will not do, however many there are."""
    torch.manual_seed(0)
    rows = torch.randn(512, 2)
    labels = ((rows[:, 0] > 0) ^ (rows[:, 1] > 0)).float()[:, None]
    layers = [nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 1)]
    return case(nn.Sequential(*layers), loader(rows, labels), nn.BCEWithLogitsLoss(), adam(1e-2))


class Stepping(nn.Module):
    """Units that fire or do not."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.out = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out((self.inner(x) > 0).float())
        return out


def stepping() -> Case:
    return digits_case(adam(1e-2), Stepping())


class Cut(Stepping):
    """Keeps nothing of its hidden layer's graph."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            hidden = torch.tanh(self.inner(x))
        out: Tensor = self.out(hidden.detach())
        return out


def cut() -> Case:
    return digits_case(sgd(0.1), Cut())


class Divided(Stepping):
    """Divides by a deviation that is 0."""

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, torch.zeros_like(x[:, :1])], 1)
        x = (x - x.mean(0)) / x.std(0)
        out: Tensor = self.out(torch.tanh(self.inner(x[:, :-1] + 0 * x[:, -1:])))
        return out


def divided() -> Case:
    return digits_case(adam(3e-3), Divided())


def class_number_as_target() -> Case:
    rows, labels = digits()
    return case(mlp(64, 32, 1), loader(rows, labels.float()[:, None]), nn.MSELoss(), adam(3e-3))


def sign_lost() -> Case:
    rows, labels = digits()
    return case(
        mlp(64, 32, 10), loader(rows, labels), lambda o, y: -F.cross_entropy(o, y), sgd(0.1)
    )


def huge_weights() -> Case:
    model = mlp(64, *[64] * 5, 10, activation=nn.Tanh)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)
    return digits_case(sgd(0.05), model)


def steep() -> Case:
    """Targets with rare outliers: the gradients of a few batches are enormous."""
    torch.manual_seed(0)
    rows = torch.randn(640, 4)
    targets = rows[:, :1] - rows[:, 1:2]
    targets[::64] *= 1e4
    return case(mlp(4, 16, 1), loader(rows, targets), nn.MSELoss(), sgd(0.05))


def never_updated() -> Case:
    model = mlp(64, 32, 10)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)

    def step(model: nn.Module, batch: Any) -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    return Case(model=model, train_loader=loader(*digits()), step=step, optimizer=optimizer)


def summed_up() -> Case:
    """Eight batches to an update, not divided by eight."""
    model = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.8, momentum=0.9)
    calls = [0]

    def step(model: nn.Module, batch: Any) -> Tensor:
        loss = F.cross_entropy(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        calls[0] += 1
        if calls[0] % 8 == 0:
            optimizer.step()
            optimizer.zero_grad()
        return loss

    return Case(model=model, train_loader=loader(*digits()), step=step, optimizer=optimizer)


def dying_rate() -> Case:
    made = digits_case(sgd(0.05))
    scheduler = torch.optim.lr_scheduler.ExponentialLR(made.optimizers[0], 0.01)
    return replace(made, optimizer=made.optimizers[0], scheduler=scheduler, epochs=10)


def one_epoch() -> Case:
    return replace(digits_case(sgd(0.05)), epochs=1)


def whole_set_at_once() -> Case:
    rows, labels = digits()
    batches = loader(rows, labels, size=len(rows))
    return replace(case(mlp(64, 32, 10), batches, nn.CrossEntropyLoss(), sgd(0.05)), epochs=40)


def two_to_a_batch() -> Case:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    rows, labels = digits()
    return case(model, loader(rows, labels, size=2), nn.CrossEntropyLoss(), sgd(0.05))


def by_heart() -> Case:
    """Thirty rows, a third of them mislabelled, and a network large enough for all of it."""
    rows, labels = tumours()
    rows, labels = standard(rows), labels.clone()
    labels[:30:5] = 1 - labels[:30:5]
    held = loader(rows[100:], labels[100:], shuffle=False)
    return case(
        mlp(30, 256, 1), loader(rows[:30], labels[:30]), nn.BCEWithLogitsLoss(), adam(5e-3),
        val_loader=held,
    )  # fmt: skip


def validation_raw() -> Case:
    rows, labels = tumours()
    held = loader(rows[400:], labels[400:], shuffle=False)
    train = loader(standard(rows)[:400], labels[:400])
    return case(mlp(30, 16, 1), train, nn.BCEWithLogitsLoss(), adam(3e-3), val_loader=held)


def split_in_order() -> Case:
    rows, targets = diabetes()
    order = targets[:, 0].argsort()
    rows, targets = rows[order], standard(targets)[order]
    held = loader(rows[300:], targets[300:], shuffle=False)
    train = loader(rows[:300], targets[:300])
    return case(mlp(10, 32, 1), train, nn.MSELoss(), adam(3e-3), val_loader=held)


class RandomNoise:
    """An augmentation five times as strong as what it perturbs."""

    def __call__(self, row: Tensor) -> Tensor:
        return row + 5 * torch.randn_like(row)


class Perturbed(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Rows with a transform, as torchvision's data sets have it."""

    def __init__(self, rows: Tensor, labels: Tensor) -> None:
        self.rows, self.labels, self.transform = rows, labels, RandomNoise()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.rows[index]), self.labels[index]


def perturbed() -> Case:
    rows, labels = digits()
    batches = torch.utils.data.DataLoader(Perturbed(rows[:1200], labels[:1200]), 32, shuffle=True)
    held = loader(rows[1200:], labels[1200:], shuffle=False)
    return case(mlp(64, 32, 10), batches, nn.CrossEntropyLoss(), adam(3e-3), val_loader=held)


def momentless_norm() -> Case:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(32, momentum=0.0)
    model = nn.Sequential(nn.Linear(64, 32), norm, nn.ReLU(), nn.Linear(32, 10))
    nn.init.constant_(norm.bias, 0.5)
    model[0].weight.data *= 40  # type: ignore[union-attr,operator]
    rows, labels = digits()
    held = loader(rows[1500:], labels[1500:], shuffle=False)
    return digits_case(sgd(0.05), model, val_loader=held)


class AlwaysDropping(nn.Module):
    """Drops units in evaluation as well."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(F.dropout(torch.relu(self.inner(x)), 0.8))
        return out


def always_dropping() -> Case:
    torch.manual_seed(0)
    rows, labels = digits()
    held = loader(rows[1500:], labels[1500:], shuffle=False)
    return digits_case(adam(3e-3), AlwaysDropping(), val_loader=held)


def summed_loss() -> Case:
    rows, labels = digits()
    loss = nn.CrossEntropyLoss(reduction="sum")
    return case(mlp(64, 32, 10), loader(rows, labels), loss, sgd(0.3))


def softmax_quick() -> Case:
    return digits_case(adam(5e-3), nn.Sequential(mlp(64, 32, 10), nn.Softmax(-1)))
