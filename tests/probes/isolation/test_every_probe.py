"""Every registered probe, with faults in the user's code in the midst of it: no trace is left.

The list is the registry itself: a new probe is held to this without a word about it here.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.nn.utils import clip_grad
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data import DataLoader, Dataset

from expert.language import Text
from expert.observation import Observation
from probes.case.case import Case
from probes.probe import Probe
from probes.registry import PROBES
from probes.running.events import ProbeEnded
from probes.running.examination import Examination
from probes.running.run import run_probes
from tests.probes.fingerprint import differences, fingerprint, plain

BUDGET = 3.0
# Modules are not put back, and neither are counters: the fault goes on counting through restores.
fault = ModuleType("fault")
fault.place, fault.kind, fault.after = "", "", 0  # type: ignore[attr-defined]
fault.clock = itertools.count()  # type: ignore[attr-defined]
ERRORS = {
    "error": RuntimeError,
    "memory": MemoryError,
    "device memory": torch.OutOfMemoryError,
    "interrupt": KeyboardInterrupt,
}


def disturbed(place: str, value: Tensor) -> Tensor:
    """Return the value, NaN instead, or raise: what is set for this place, from some call on."""
    if fault.place != place or next(fault.clock) < fault.after:
        return value
    if fault.kind == "nan":
        return value * float("nan")
    raise ERRORS[fault.kind]("injected")


class Moving(nn.Module):
    """State, buffers, dropout, noise and attributes that every call moves."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8, 3)
        self.history: list[float] = []
        self.state: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.state = torch.relu(self.norm(self.inner(x)))
        self.history.append(float(self.state.detach().mean()))
        output: Tensor = self.head(self.drop(self.state))
        return disturbed("model", output + 1e-4 * torch.randn(()))


class Noisy(Dataset[tuple[Tensor, Tensor]]):
    """Data with a generator and a counter of their own."""

    def __init__(self, count: int) -> None:
        self.x, self.y = torch.randn(count, 6), torch.arange(count) % 3
        self.generator = torch.Generator().manual_seed(3)
        self.reads = 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.reads += 1
        noise = 0.1 * torch.randn(6, generator=self.generator)
        return disturbed("loader", self.x[index] + noise), self.y[index]


def loss_fn(output: Tensor, target: Tensor) -> Tensor:
    return disturbed("loss", nn.functional.cross_entropy(output, target))


def metric(output: Tensor, target: Tensor) -> float:
    return float((output.argmax(1) == target).float().mean())


def make_case(*, own_loop: bool = False) -> Case:
    """A case in the midst of training, whose loaders have worker processes.

    `own_loop`: with a step that goes backward, clips and updates by itself.
    """
    torch.manual_seed(0)
    model = Moving()
    model.head.bias.requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    loaders = [
        DataLoader(
            Noisy(count),
            batch_size=16,
            shuffle=True,
            num_workers=2,
            persistent_workers=True,
            generator=torch.Generator().manual_seed(7),
        )
        for count in (96, 64)
    ]

    def step(model: nn.Module, batch: Any) -> Tensor:
        optimizer.zero_grad()
        loss = loss_fn(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()
        case.scheduler.step()
        return loss.detach()

    case = Case(
        model=model,
        train_loader=loaders[0],
        val_loader=loaders[1],
        loss_fn=None if own_loop else loss_fn,
        step=step if own_loop else None,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.StepLR(optimizer, 2),
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        metric=metric,
        epochs=4,
    )
    loss_fn(model(torch.randn(8, 6)), torch.arange(8) % 3).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    case.scheduler.step()
    return case


def everything(case: Case) -> dict[str, Any]:
    """The case, its data, and what of the process a probe could leave changed."""
    loaders = [case.train_loader, case.val_loader]
    data = [loader.dataset for loader in loaders]
    scaler = torch.amp.GradScaler
    return {
        **fingerprint(case),
        "data": [(d.reads, d.generator.get_state().tolist(), d.x.sum().item()) for d in data],
        "loaders": [plain(dict(vars(loader)))[1] for loader in loaders],
        "generators": [loader.generator.get_state().tolist() for loader in loaders],
        "children": multiprocessing.active_children(),
        "modes": len(_get_current_function_mode_stack()),
        "hooks": [
            list(value)
            for name, value in vars(torch_module).items()
            if name.startswith("_global_") and isinstance(value, dict)
        ],
        "patched": [
            torch.autograd.backward,
            clip_grad.clip_grad_norm_,
            torch.nn.utils.clip_grad_norm_,
            torch.autocast.__enter__,
            *(vars(scaler)[name] for name in ("scale", "unscale_", "step", "update")),
        ],
        "settings": [
            torch.get_num_threads(),
            torch.is_anomaly_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_autocast_enabled("cpu"),
            signal.getsignal(signal.SIGINT),
            list(warnings.filters),
        ],
    }


@cache
def known() -> tuple[Observation, ...]:
    """What a whole examination of the healthy case sees: what later probes build on."""
    return tuple(run_probes(make_case(), budget_s=20))


def armed(place: str, kind: str, after: int) -> Probe:
    """A probe that tells what the ones before have seen, and sets the fault for the next."""

    def measure(exam: Examination) -> Iterator[Observation]:
        yield from known()
        fault.place, fault.kind, fault.after = place, kind, after  # type: ignore[attr-defined]
        fault.clock = itertools.count()  # type: ignore[attr-defined]

    return Probe("armed", Text("armed", "armed"), (), (), 0, measure)


FAULTS = [
    ("model", "error", 0),
    ("model", "nan", 2),
    ("model", "device memory", 3),
    ("model", "interrupt", 1),
    ("loss", "memory", 1),
    ("loss", "interrupt", 5),
    ("loader", "error", 4),
    ("loader", "interrupt", 0),
]


@pytest.mark.parametrize("probe", PROBES, ids=[probe.id for probe in PROBES])
def test_a_fault_in_the_midst_of_it_leaves_no_trace(probe: Probe) -> None:
    case = make_case(own_loop=probe.id == "loop")
    before = everything(case)
    for place, kind, after in [("", "", 0), *FAULTS]:
        ended: list[Any] = []
        try:
            run_probes(
                case,
                probes=[armed(place, kind, after), probe],
                budget_s=BUDGET if place else 2 * BUDGET,
                on_event=ended.append,
            )
        except KeyboardInterrupt:
            assert kind == "interrupt"
        finally:
            fault.place = ""  # type: ignore[attr-defined]
        assert differences(before, everything(case)) == [], (place, kind, after)
        last = [event for event in ended if isinstance(event, ProbeEnded)][-1]
        if not place:
            assert (last.id, last.status) == (probe.id, "done")


def test_the_faults_do_strike() -> None:
    by_id = {probe.id: probe for probe in PROBES}
    with pytest.raises(KeyboardInterrupt):
        run_probes(make_case(), probes=[armed("loss", "interrupt", 3), by_id["overfit"]])
    fault.place = ""  # type: ignore[attr-defined]
