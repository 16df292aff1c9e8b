"""Bases with other aims than inputs to targets: values of acts, mixtures, transcripts, ratings."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .data import CaseDict, digit_images

Step = Callable[[nn.Module, Any], Tensor]


def _loaders(size: int, *tensors: Tensor) -> CaseDict:
    """Return loaders of the first four fifths and of the rest."""
    cut = len(tensors[0]) * 4 // 5
    train = TensorDataset(*(tensor[:cut] for tensor in tensors))
    val = TensorDataset(*(tensor[cut:] for tensor in tensors))
    generator = torch.Generator().manual_seed(0)
    return {
        "train_loader": DataLoader(train, batch_size=size, shuffle=True, generator=generator),
        "val_loader": DataLoader(val, batch_size=size),
    }


# --- the values of acts: the target is computed, none of the batch's five parts ------------------


def transitions(seed: int, rate: float = 1e-3, graph: bool = True) -> CaseDict:
    """States, acts, rewards, next states and ends; Q-learning with a network that lags behind."""
    torch.manual_seed(seed)
    state = torch.randn(3000, 4)
    act = torch.randint(3, (3000,))
    gains = torch.stack([state[:, 0], state[:, 1] - state[:, 2], state[:, 3].abs()], dim=1)
    reward = gains.gather(1, act[:, None])[:, 0]
    following = 0.9 * state + 0.1 * torch.randn(3000, 4)
    end = (torch.rand(3000) < 0.1).float()
    model = nn.Sequential(
        nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)
    )
    lagging = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    calls = 0

    def step(model: nn.Module, batch: list[Tensor]) -> Tensor:
        nonlocal calls
        state, act, reward, following, end = batch
        with torch.no_grad():
            target = reward + 0.9 * (1 - end) * lagging(following).max(1).values
        values = model(state) if graph else model(state).detach().requires_grad_()
        loss = F.smooth_l1_loss(values.gather(1, act[:, None])[:, 0], target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        calls += 1
        if calls % 50 == 0:
            lagging.load_state_dict(model.state_dict())
        return loss.detach()

    parts = _loaders(64, state, act, reward, following, end)
    return {"model": model, "step": step, "optimizer": optimizer, "epochs": 10, **parts}


def transitions_rate_of_five(seed: int) -> CaseDict:
    """Adam at a rate of 5."""
    return transitions(seed, rate=5.0)


def transitions_without_graph(seed: int) -> CaseDict:
    """The values are cut off as the targets rightly are."""
    return transitions(seed, graph=False)


# --- a mixture of densities: outputs are parameters, not predictions -----------------------------


class _Mixture(nn.Module):
    """x (N, 1) to log-weights, means and log-deviations of four normal densities, each (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 12))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, mean, log_deviation = self.body(x).chunk(3, dim=-1)
        return weight.log_softmax(-1), mean, log_deviation


def mixture(seed: int) -> CaseDict:
    """The inverse of a curve that is not one to one; the loss is the mixture's likelihood."""
    torch.manual_seed(seed)
    y = torch.rand(2000, 1) * 2 - 1
    x = y + 0.3 * torch.sin(2 * torch.pi * y) + 0.05 * torch.randn(2000, 1)
    model = _Mixture()

    def step(model: nn.Module, batch: list[Tensor]) -> Tensor:
        weight, mean, log_deviation = model(batch[0])
        near = -0.5 * ((batch[1] - mean) / log_deviation.exp()) ** 2 - log_deviation
        return -torch.logsumexp(weight + near, dim=-1).mean()

    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    return {
        "model": model, "step": step, "optimizer": optimizer, "epochs": 20, **_loaders(64, x, y),
    }  # fmt: skip


# --- transcripts --------------------------------------------------------------------------------


class _Listener(nn.Module):
    """Frames (N, 8, T) to scores of five symbols and the blank at every time, (N, T, 6)."""

    def __init__(self, log_probabilities: bool) -> None:
        super().__init__()
        self.kernel = nn.Conv1d(8, 24, 3, padding=1)
        self.states = nn.GRU(24, 24, bidirectional=True, batch_first=True)
        self.head = nn.Linear(48, 6)
        self.log_probabilities = log_probabilities

    def forward(self, frames: Tensor) -> Tensor:
        seen = torch.relu(self.kernel(frames)).transpose(1, 2)
        scores: Tensor = self.head(self.states(seen)[0])
        return scores.log_softmax(-1) if self.log_probabilities else scores


def transcripts(seed: int, log_probabilities: bool = True) -> CaseDict:
    """Four symbols of three frames each, heard through noise; CTC."""
    torch.manual_seed(seed)
    symbols = torch.randint(1, 6, (500, 4))
    sound = torch.randn(6, 8)[symbols.repeat_interleave(3, 1)] + 0.2 * torch.randn(500, 12, 8)
    model = _Listener(log_probabilities)
    loss_fn = nn.CTCLoss(zero_infinity=True)

    def step(model: nn.Module, batch: list[Tensor]) -> Tensor:
        frames, symbols = batch
        times, lengths = torch.full((len(frames),), 12), torch.full((len(frames),), 4)
        loss: Tensor = loss_fn(model(frames).transpose(0, 1), symbols, times, lengths)
        return loss

    return {
        "model": model,
        "step": step,
        "optimizer": torch.optim.Adam(model.parameters(), lr=5e-3),
        "epochs": 15,
        **_loaders(25, sound.transpose(1, 2).contiguous(), symbols),
    }


def transcripts_of_raw_scores(seed: int) -> CaseDict:
    """No log-softmax before CTCLoss."""
    return transcripts(seed, log_probabilities=False)


# --- digits as bytes, and an optimiser of one's own ---------------------------------------------


def plain_images(seed: int, brightest: float = 1.0) -> CaseDict:
    """Digits in a CNN without normalisation; SGD with momentum."""
    torch.manual_seed(seed)
    x_train, y_train, x_val, y_val = digit_images(seed)
    x = torch.cat([x_train, x_val]) / 16 * brightest
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(256, 10),
    )  # fmt: skip
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
        "epochs": 15,
        **_loaders(64, x, torch.cat([y_train, y_val])),
    }


def plain_images_in_bytes(seed: int) -> CaseDict:
    """Pixels from 0 to 255: the loss falls from its height, then the units die."""
    return plain_images(seed, 255.0)


class Lion(torch.optim.Optimizer):
    """Steps of the sign of an averaged gradient, weight decay apart (arXiv 2302.06675)."""

    def __init__(self, params: Any, lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter by `lr` against the sign."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                sign = (0.9 * mean + 0.1 * parameter.grad).sign()
                parameter.sub_(sign, alpha=group["lr"])
                mean.lerp_(parameter.grad, 0.01)


def lion(seed: int) -> CaseDict:
    """The same with an optimiser of one's own at its usual, large weight decay."""
    case = plain_images(seed)
    optimizer = Lion(case["model"].parameters(), lr=3e-4, weight_decay=0.1)
    return {**case, "optimizer": optimizer}


def whole_batches(seed: int) -> CaseDict:
    """L-BFGS with its closure on all points of a smooth curve at once."""
    torch.manual_seed(seed)
    x = torch.randn(400, 3)
    y = torch.sin(x[:, :1]) + x[:, 1:2] * 0.5 + 0.1 * torch.randn(400, 1)
    model = nn.Sequential(nn.Linear(3, 12), nn.Tanh(), nn.Linear(12, 1))
    optimizer = torch.optim.LBFGS(
        model.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe"
    )

    def step(model: nn.Module, batch: list[Tensor]) -> Any:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.mse_loss(model(batch[0]), batch[1])
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        return optimizer.step(closure)  # type: ignore[arg-type]

    parts = _loaders(320, x, y)
    return {"model": model, "step": step, "optimizer": optimizer, "epochs": 30, **parts}


# --- held out: ratings --------------------------------------------------------------------------


class _Taste(nn.Module):
    """Pairs of a reader and a book (N, 2) to stars (N,)."""

    def __init__(self, last: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__()
        self.reader, self.book = nn.Embedding(80, 8), nn.Embedding(60, 8)
        self.of_reader, self.of_book = nn.Embedding(80, 1), nn.Embedding(60, 1)
        for table, std in ((self.reader, 0.1), (self.book, 0.1)):
            nn.init.normal_(table.weight, std=std)
        for table in (self.of_reader, self.of_book):
            nn.init.zeros_(table.weight)
        self.mean, self.last = nn.Parameter(torch.tensor(3.0)), last

    def forward(self, pair: Tensor) -> Tensor:
        reader, book = pair[:, 0], pair[:, 1]
        fit = (self.reader(reader) * self.book(book)).sum(1)
        stars: Tensor = fit + self.of_reader(reader)[:, 0] + self.of_book(book)[:, 0] + self.mean
        return stars if self.last is None else self.last(stars)


def ratings(
    seed: int, rate: float = 1e-2, last: Callable[[Tensor], Tensor] | None = None
) -> CaseDict:
    """One to five stars from two embeddings and their product; Adam, squared error."""
    torch.manual_seed(seed)
    readers, books = torch.randn(80, 3), torch.randn(60, 3)
    pair = torch.stack([torch.randint(80, (4000,)), torch.randint(60, (4000,))], dim=1)
    stars = 0.6 * (readers[pair[:, 0]] * books[pair[:, 1]]).sum(1) + 3.2
    stars = (stars + 0.3 * torch.randn(4000)).round().clamp(1, 5)
    model = _Taste(last)
    return {
        "model": model,
        "loss_fn": nn.MSELoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=rate, weight_decay=1e-4),
        "epochs": 30,
        **_loaders(128, pair, stars),
    }


def ratings_through_a_sigmoid(seed: int) -> CaseDict:
    """The last layer ends at 1, the stars at 5."""
    return ratings(seed, last=torch.sigmoid)


def ratings_at_a_tiny_rate(seed: int) -> CaseDict:
    """A ten-thousandth of the rate."""
    return ratings(seed, rate=1e-6)
