"""Nothing of the user's changes, whatever a probe does and however it ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from expert.language import Text
from probes.case.case import Case
from probes.isolation.snapshot import Snapshot, unchanged
from probes.probe import Probe
from probes.registry import PROBES
from probes.running.examination import Examination
from probes.running.run import run_probes
from tests.probes.fingerprint import differences, fingerprint


class Recurrent(nn.Module):
    """A model with everything that can be moved: state, buffers, dropout, plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(4, 6, batch_first=True)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 3)
        self.hidden: torch.Tensor | None = None
        self.kept = torch.zeros(3)
        self.calls = 0
        self.history: list[float] = []
        self.notes: dict[str, Any] = {"nested": [1, 2]}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        output, self.hidden = self.rnn(x.unsqueeze(1))
        self.history.append(float(output.detach().mean()))
        self.kept += 1
        return self.head(self.drop(self.norm(output[:, -1])))  # type: ignore[no-any-return]


class CountingData(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Noisy data with generators and counters of its own."""

    opened = 0

    def __init__(self) -> None:
        self.x = torch.randn(48, 4)
        self.y = torch.randint(3, (48,))
        self.numpy = np.random.default_rng(1)
        self.python = random.Random(2)
        self.torch = torch.Generator().manual_seed(3)
        self.reads = 0
        self.seen: list[int] = []

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.reads += 1
        self.seen.append(index)
        type(self).opened += 1
        self.x[index] *= 1.01  # a data set that is changed by reading it
        noise = self.numpy.normal() + self.python.random()
        noise += float(torch.rand(1, generator=self.torch)) + random.random()
        noise += float(np.random.rand())
        return self.x[index] + noise, self.y[index]

    def state(self) -> Any:
        return (
            self.x.clone().numpy().tobytes(),
            str(self.numpy.bit_generator.state),
            self.python.getstate(),
            self.torch.get_state().numpy().tobytes(),
            self.reads,
            list(self.seen),
            type(self).opened,
        )


@pytest.fixture
def case() -> Case:
    """A case in the middle of training: gradients, optimizer state, hooks, a moved scheduler."""
    torch.manual_seed(0)
    model = Recurrent()
    model.norm.eval()
    model.head.bias.requires_grad_(False)
    model.rnn.register_forward_hook(lambda *args: None)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    loader = DataLoader(
        CountingData(), batch_size=12, shuffle=True, generator=torch.Generator().manual_seed(7)
    )
    case = Case(
        model=model,
        train_loader=loader,
        val_loader=loader,
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        scheduler=scheduler,
        scaler=torch.amp.GradScaler("cpu"),
    )
    nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(3, (8,))).backward()
    optimizer.step()
    scheduler.step()
    model.rnn.weight_hh_l0.grad = None
    return case


def wreck(case: Case) -> None:
    """Change everything that can be changed."""
    model, optimizer = case.model, case.optimizer
    assert isinstance(model, Recurrent)
    assert optimizer is not None
    model.train()
    model(torch.randn(8, 4)).sum().backward()
    optimizer.step()
    case.scheduler.step()
    optimizer.param_groups[0]["lr"] = 9.0
    optimizer.param_groups.append({"params": [nn.Parameter(torch.zeros(1))]})
    optimizer.state.clear()
    case.scaler.scale(torch.ones(1))
    model.head.weight.register_hook(lambda gradient: gradient * 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
            parameter.grad = torch.ones_like(parameter)
            parameter.requires_grad_(not parameter.requires_grad)
    model.head.weight.data = torch.zeros(5, 5)
    model.rnn.bias_hh_l0 = nn.Parameter(torch.zeros(18))
    model.extra = nn.Linear(2, 2)
    model.register_buffer("more", torch.zeros(2))
    model.norm.running_mean = None
    model.norm.momentum = 0.9
    model.drop.p = 0.0
    del model.head
    model.register_forward_hook(lambda *args: None)
    next(iter(model.rnn._forward_hooks))
    model.rnn._forward_hooks.clear()
    model.history.append(1.0)
    model.notes["nested"].append(3)
    model.notes["new"] = 1
    model.hidden = None
    model.kept = torch.ones(9)
    next(iter(case.train_loader))
    random.random()
    np.random.rand()
    torch.rand(1)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)


class Stop(Exception):  # noqa: N818
    pass


def test_a_wrecked_case_comes_back_bit_for_bit(case: Case) -> None:
    before, data = fingerprint(case), case.train_loader.dataset.state()
    with unchanged(case):
        wreck(case)
        assert len(differences(before, fingerprint(case))) == 7  # every part of the fingerprint
        assert case.train_loader.dataset.state() != data
    assert differences(before, fingerprint(case)) == []
    assert case.train_loader.dataset.state() == data


@pytest.mark.parametrize(
    "error", [Stop, KeyboardInterrupt, MemoryError, torch.cuda.OutOfMemoryError, SystemExit]
)
def test_it_comes_back_when_the_block_raises(case: Case, error: type[BaseException]) -> None:
    before = fingerprint(case)

    def fail() -> None:
        with unchanged(case):
            wreck(case)
            raise error

    with pytest.raises(error):
        fail()
    assert differences(before, fingerprint(case)) == []


def test_training_goes_on_as_if_nothing_had_been(case: Case) -> None:
    def losses() -> list[float]:
        seen = []
        assert case.optimizer is not None
        for x, y in case.train_loader:
            case.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(case.model(x), y)
            loss.backward()
            case.optimizer.step()
            seen.append(loss.item())
        return seen

    with unchanged(case):
        expected = losses()
    with unchanged(case):
        wreck(case)
    assert losses() == expected
    assert len(expected) == 4


def test_a_snapshot_can_be_restored_again_and_again(case: Case) -> None:
    before, snapshot = fingerprint(case), Snapshot(case)
    for _ in range(3):
        wreck(case)
        snapshot.restore()
        assert differences(before, fingerprint(case)) == []


def test_running_all_probes_leaves_the_case_as_it_was(case: Case) -> None:
    before, data = fingerprint(case), case.train_loader.dataset.state()
    events: list[Any] = []
    seen = run_probes(case, budget_s=20, on_event=lambda event: events.append(event.to_json()))
    assert differences(before, fingerprint(case)) == []
    assert case.train_loader.dataset.state() == data
    ended = {event["id"]: event["status"] for event in events if "observations" in event}
    assert len(ended) == len(PROBES)
    assert len(seen) > 50


def test_a_probe_that_raises_after_wrecking_everything_leaves_no_trace(case: Case) -> None:
    before, data = fingerprint(case), case.train_loader.dataset.state()
    states: list[list[str]] = []

    def wrecking(exam: Examination) -> Iterator[Any]:
        yield exam.observe("kept", 1)
        wreck(exam.case)
        raise Stop("in the middle")

    def looking(exam: Examination) -> Iterator[Any]:
        # the data sets' own large contents aside, the next probe finds everything in place
        states.append(differences(before, fingerprint(exam.case)))
        yield exam.observe("looked", True)

    probes = [_probe("wrecking", wrecking), _probe("looking", looking)]
    seen = run_probes(case, probes=probes, budget_s=20)
    assert states == [[]]
    assert [observation.name for observation in seen] == ["kept", "looked"]
    assert differences(before, fingerprint(case)) == []
    assert case.train_loader.dataset.state() == data


def test_an_interrupt_in_a_probe_passes_and_leaves_no_trace(case: Case) -> None:
    before = fingerprint(case)

    def interrupted(exam: Examination) -> Iterator[Any]:
        with exam.training():
            wreck(exam.case)
            raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run_probes(case, probes=[_probe("interrupted", interrupted)], budget_s=20)
    assert differences(before, fingerprint(case)) == []


def test_functions_get_back_what_they_close_over_and_their_globals() -> None:
    count = 0
    seen: list[int] = []

    def step(model: nn.Module, batch: Any) -> torch.Tensor:
        nonlocal count
        global GLOBAL_COUNT
        count += 1
        GLOBAL_COUNT += 1
        seen.append(count)
        return model(batch).sum()  # type: ignore[no-any-return]

    model = nn.Linear(2, 1)
    case = Case(model=model, train_loader=[torch.ones(3, 2)], step=step)
    with unchanged(case):
        step(model, torch.ones(3, 2))
        assert (count, GLOBAL_COUNT, seen) == (1, 1, [1])
    assert (count, GLOBAL_COUNT, seen) == (0, 0, [])


GLOBAL_COUNT = 0


def test_lazy_layers_are_lazy_again() -> None:
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2))
    case = Case(
        model=model, train_loader=[(torch.ones(2, 5), torch.zeros(2, 2))], loss_fn=nn.MSELoss()
    )
    with Examination(case) as exam:
        exam.prepare()
        assert [tuple(p.shape) for p in model.parameters()] == [(3, 5), (3,), (2, 3), (2,)]
    assert [type(layer) for layer in model] == [nn.LazyLinear, nn.ReLU, nn.LazyLinear]
    assert all(type(p) is nn.UninitializedParameter for p in model[0].parameters())
    assert model(torch.ones(1, 7)).shape == (1, 2)


def test_expanded_and_shared_tensors_come_back() -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("wide", torch.tensor([1.0]).expand(4))
    model.register_buffer("view", model.weight.detach()[0])
    case = Case(model=model, train_loader=[torch.ones(1, 2)], loss_fn=nn.MSELoss())
    before = fingerprint(case)
    with unchanged(case):
        model.wide[:1] = 5.0  # type: ignore[index]
        model.view.zero_()  # type: ignore[operator]
        assert differences(before, fingerprint(case)) == ["values", "modules"]
    assert differences(before, fingerprint(case)) == []


def test_large_data_in_memory_is_copied_once_not_for_every_restore() -> None:
    data = torch.zeros(600_000)
    loader = DataLoader(TensorDataset(data), batch_size=10)
    case = Case(model=nn.Linear(1, 1), train_loader=loader, loss_fn=nn.MSELoss())
    snapshot = Snapshot(case)
    data += 1
    snapshot.restore("case")
    assert data.sum() == 600_000  # left for the end
    snapshot.restore("all")
    assert data.sum() == 0


def test_an_interrupt_during_a_restore_waits_until_everything_is_back(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    import probes.isolation.reachable as reachable

    before, snapshot = fingerprint(case), Snapshot(case)
    wreck(case)
    real = reachable.restore_tensors

    def interrupted(states: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        real(states)

    monkeypatch.setattr(reachable, "restore_tensors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        snapshot.restore()
    assert differences(before, fingerprint(case)) == []


def _probe(name: str, measure: Callable[[Examination], Any]) -> Probe:
    return Probe(id=name, title=Text(name, name), needs=(), provides=(), cost=1, measure=measure)


def test_other_libraries_objects_that_functions_use_are_left_alone() -> None:
    """A logger or progress bar, with threads of its own, would not bear being put back."""
    from rich.text import Text as Line

    line, own = Line("a"), Recurrent()

    def step(model: nn.Module, batch: Any) -> torch.Tensor:
        line.append("b")
        own.calls += 1
        return model(batch).sum()  # type: ignore[no-any-return]

    model = nn.Linear(2, 1)
    with unchanged(Case(model=model, train_loader=[torch.ones(3, 2)], step=step)):
        step(model, torch.ones(3, 2))
    assert line.plain == "ab"
    assert own.calls == 0
