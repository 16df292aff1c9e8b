"""The lines of the user's code that build what is examined."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from probes import load_case

SOURCE = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.Linear(8, 2),
        )

    def forward(self, x):
        return self.rest(self.first(x))


def loss(output, target):
    return ((output - target) ** 2).mean()


def case():
    model = Net()
    data = TensorDataset(torch.zeros(8, 4), torch.zeros(8, 2))
    return {
        "model": model,
        "loss_fn": loss,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "train_loader": DataLoader(data, batch_size=4),
    }
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE)
    return dict(load_case("mine.py:case").places)


def line_of(text: str) -> str:
    number = next(i for i, line in enumerate(SOURCE.splitlines(), 1) if text in line)
    return f"mine.py:{number}"


@pytest.mark.parametrize(
    ("part", "written"),
    [
        ("model", "model = Net()"),
        ("loss_fn", "def loss("),
        ("optimizer", "torch.optim.SGD"),
        ("train_loader", "DataLoader(data"),
        ("layer:first", "self.first ="),
        ("layer:rest.1", "nn.Linear(8, 2)"),
    ],
)
def test_each_part_is_found_at_the_line_that_builds_it(
    part: str, written: str, places: dict[str, str]
) -> None:
    assert places[part] == line_of(written)


def test_the_constructors_are_as_before_when_the_case_is_loaded(places: dict[str, str]) -> None:
    for kind in (nn.Module, torch.optim.Optimizer, DataLoader):
        assert not hasattr(kind.__init__, "__wrapped__")


def test_a_case_built_by_hand_has_no_places() -> None:
    from probes import Case

    model = nn.Linear(2, 1)
    case = Case(model=model, loss_fn=nn.MSELoss(), train_loader=[(torch.ones(1, 2),) * 2])
    assert dict(case.places) == {}
