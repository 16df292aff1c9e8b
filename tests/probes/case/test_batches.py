"""Batches are taken apart as they were meant, and drawn without moving the user's loader."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import UserDict, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from expert.errors import UsageError, UserCodeError
from probes.case.batches import Arguments, Batch, call_model, cut, lined_up, move, take_apart
from probes.case.case import Case
from probes.case.drawing import Limits, draw
from probes.isolation.snapshot import unchanged
from probes.running.examination import Examination
from tests.probes.sentences import said

X, Y = torch.arange(12.0).reshape(6, 2), torch.arange(6)


class One(nn.Linear):
    """Takes one input."""

    def __init__(self) -> None:
        super().__init__(2, 1)


class Two(One):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return super().forward(a) + super().forward(b)


class Named(One):
    def forward(  # type: ignore[override]
        self, input_ids: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        return super().forward(input_ids)


class ListTaker(One):
    """A detector: takes a list of images of different sizes."""

    def forward(self, images: list[torch.Tensor], boxes: Any = None) -> torch.Tensor:  # type: ignore[override]
        return torch.stack([super(ListTaker, self).forward(image).sum() for image in images])


Pair = namedtuple("Pair", ["x", "y"])


@dataclass
class Record:
    x: torch.Tensor
    y: torch.Tensor


def same(found: Any, expected: Any) -> bool:
    """Whether two structures hold the same tensors."""
    if isinstance(expected, torch.Tensor):
        return isinstance(found, torch.Tensor) and torch.equal(found, expected)
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[key], expected[key]) for key in expected
        )
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return found == expected  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("raw", "model", "inputs", "targets"),
    [
        ((X, Y), One(), X, Y),
        ([X, Y], One(), X, Y),
        (Pair(X, Y), One(), X, Y),
        (X, One(), X, X),  # autoencoder
        ((X,), One(), X, X),
        ((X, Y, ["a", "b"]), One(), X, Y),  # file names behind the targets
        ((X, X + 1, Y), Two(), (X, X + 1), Y),
        (((X, X + 1), Y), Two(), (X, X + 1), Y),
        ({"image": X, "label": Y, "path": "p"}, One(), X, Y),
        ({"x": X, "y": Y}, One(), X, Y),
        ({"left": X, "right": X + 1, "target": Y}, Two(), (X, X + 1), Y),
        ({"input_ids": X, "labels": Y}, Named(), {"input_ids": X}, Y),
        ({"input_ids": X, "mask": X, "labels": Y}, Named(), {"input_ids": X, "mask": X}, Y),
        ({"input_ids": X, "extra": X, "labels": Y}, Named(), {"input_ids": X}, Y),
        (UserDict({"input_ids": X, "labels": Y}), Named(), {"input_ids": X}, Y),
        ((X.numpy(), Y.numpy()), One(), X, Y),
    ],
)
def test_structures_are_taken_apart_and_the_model_called(
    raw: Any, model: nn.Module, inputs: Any, targets: Any
) -> None:
    batch = take_apart(raw, model)
    assert same(batch.inputs, inputs)
    assert same(batch.targets, targets)
    assert batch.size == 6
    assert call_model(model, batch.inputs).shape == (6, 1)


def test_the_loaders_own_structure_is_kept_for_step() -> None:
    assert type(take_apart(Pair(X, Y)).raw) is Pair
    assert type(take_apart(UserDict(x=X)).raw) is UserDict
    assert type(take_apart([X, Y]).raw) is list
    record = take_apart(Record(X, Y))
    assert type(record.raw) is Record
    assert same(record.targets, Y)
    moved = move(record, torch.device("meta"))
    assert moved.raw.x.device.type == "meta"
    assert moved.targets.device.type == "meta"


def test_a_list_of_images_stays_one_argument() -> None:
    images = [torch.ones(3, 2), torch.ones(5, 2)]
    batch = take_apart((images, [{"boxes": X}, {"boxes": X}]), ListTaker())
    assert call_model(ListTaker(), batch.inputs).shape == (2,)


def test_packed_sequences_stay_packed() -> None:
    packed = pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    batch = move(take_apart((packed, torch.zeros(2))), torch.device("cpu"))
    assert isinstance(batch.inputs, PackedSequence)
    assert batch.size == 2
    output, _ = call_model(nn.RNN(2, 3), batch.inputs)
    assert output.data.shape == (5, 3)


def test_no_target_is_none_and_the_size_is_that_of_the_inputs() -> None:
    batch = take_apart({"input_ids": X}, Named())
    assert batch.targets is None
    assert batch.size == 6
    assert batch.target_tensor is None
    assert take_apart((torch.ones(4, 2, dtype=torch.long), Y)).input_tensor is not None


def test_cutting_keeps_samples_together_and_leaves_what_does_not_line_up() -> None:
    small = cut(take_apart({"image": X, "label": Y, "path": "p"}, One()), 4)
    assert same(small.inputs, X[:4])
    assert same(small.targets, Y[:4])
    assert small.raw["path"] == "p"
    assert small.size == 4
    text = take_apart((torch.ones(35, 20), torch.ones(700)))  # time first, targets flat
    assert cut(text, 4) is text


def test_the_model_cannot_change_the_batch() -> None:
    batch = take_apart((X.clone(), Y))
    call_model(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 1)), batch.inputs - 100)
    inputs = -X - 1
    call_model(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 1)), inputs)
    assert torch.equal(inputs, -X - 1)
    assert isinstance(take_apart((X, X, Y)).inputs, Arguments)


def test_moving_copies_so_that_the_users_batches_are_safe() -> None:
    original = X.clone()
    moved = move(take_apart((original, Y)), torch.device("cpu"))
    moved.inputs.zero_()
    assert torch.equal(original, X)
    assert moved.raw[0] is moved.inputs


# --- drawing ----------------------------------------------------------------------------------


def drawn(loader: Any, limits: Limits | None = None) -> list[Batch]:
    """Batches of a loader, drawn as an examination does."""
    case = Case(model=One(), train_loader=loader, loss_fn=nn.MSELoss())
    with unchanged(case) as snapshot:
        return draw(loader, case.model, "train_loader", limits or Limits(), snapshot.loaders)


def refused(loader: Any) -> str:
    with pytest.raises(UsageError) as caught:
        drawn(loader)
    return said(caught.value)


class Stream(IterableDataset[torch.Tensor]):
    def __init__(self, count: int | None = None) -> None:
        self.count = count
        self.position = 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        numbers = itertools.count() if self.count is None else range(self.count)
        for number in numbers:
            self.position += 1
            yield torch.full((2,), float(number))


def test_a_loader_goes_on_where_it_was_and_in_the_same_order() -> None:
    data = TensorDataset(torch.arange(40.0).reshape(20, 2))
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(data, batch_size=4, shuffle=True, generator=generator)
    case = Case(model=One(), train_loader=loader, loss_fn=nn.MSELoss())
    running = iter(loader)
    next(running)
    state = generator.get_state()
    with Examination(case) as exam:
        assert len(exam.batches) == 5
    assert torch.equal(generator.get_state(), state)
    rest = torch.cat([batch[0] for batch in running])
    assert rest.shape == (16, 2)
    again = DataLoader(data, batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(1))
    assert torch.equal(rest, torch.cat([batch[0] for batch in again])[4:])


def test_no_worker_is_started_and_running_ones_are_left_alone() -> None:
    data = TensorDataset(torch.arange(64.0).reshape(32, 2))
    loader = DataLoader(data, batch_size=4, num_workers=1, persistent_workers=True)
    running = iter(loader)
    first = next(running)[0]
    before = {child.pid for child in multiprocessing.active_children()}
    assert len(drawn(loader)) == 8
    assert {child.pid for child in multiprocessing.active_children()} == before
    assert loader._iterator is running
    assert loader.num_workers == 1
    rest = torch.cat([first, *(batch[0] for batch in running)])
    assert torch.equal(rest, data.tensors[0])


class Prefetching:
    """A loader that wraps another, as many training frameworks have them."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        yield from self.loader


def test_a_loader_inside_another_starts_no_workers_either() -> None:
    inner = DataLoader(TensorDataset(X, Y), batch_size=3, num_workers=2)
    assert len(drawn(Prefetching(inner))) == 2
    assert len(drawn(lambda: inner)) == 2
    assert multiprocessing.active_children() == []
    assert inner.num_workers == 2


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(Stream(), batch_size=4),
        DataLoader(Stream(), batch_size=None),
        Stream(),
        lambda: (torch.ones(4, 2) for _ in itertools.count()),
        [(X, Y)] * 100,
    ],
    ids=["endless", "endless-unbatched", "endless-dataset", "function", "list"],
)
def test_endless_and_unusual_loaders_are_read_up_to_the_limit(loader: Any) -> None:
    assert len(drawn(loader)) == 32


class Counting:
    """A loader that is its own iterator and starts anew each time."""

    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Counting:
        self.position = 0
        return self

    def __next__(self) -> torch.Tensor:
        self.position += 1
        if self.position > 3:
            raise StopIteration
        return X


def test_a_loader_that_is_its_own_iterator_stays_where_it_was() -> None:
    loader = Counting()
    iter(loader)
    next(loader)
    assert len(drawn(loader)) == 3
    assert loader.position == 1


def test_samples_bytes_and_seconds_end_the_drawing() -> None:
    endless = lambda: ((X, Y) for _ in itertools.count())  # noqa: E731
    assert len(drawn(endless, Limits(samples=13))) == 3
    assert len(drawn(endless, Limits(bytes=97))) == 2  # 48 + 48 bytes each
    slow = lambda: ((time.sleep(0.02), X)[1] for _ in itertools.count())  # noqa: E731
    assert 1 <= len(drawn(slow, Limits(seconds=0.05))) <= 3
    assert len(drawn([(X, Y)], Limits(seconds=0))) == 1


def test_a_huge_data_set_is_not_read() -> None:
    class Huge(Dataset[torch.Tensor]):
        reads = 0

        def __len__(self) -> int:
            return 10_000_000

        def __getitem__(self, index: int) -> torch.Tensor:
            type(self).reads += 1
            assert type(self).reads <= 32 * 16
            return torch.zeros(2)

    assert len(drawn(DataLoader(Huge(), batch_size=16))) == 32
    assert Huge.reads == 0  # put back, as everything


def test_a_streams_own_position_is_put_back() -> None:
    stream = Stream()
    drawn(DataLoader(stream, batch_size=4))
    assert stream.position == 0


def test_validation_batches_are_few_and_optional() -> None:
    case = Case(model=One(), train_loader=[X], val_loader=[X] * 50, loss_fn=nn.MSELoss())
    assert len(Examination(case).val_batches) == 8
    assert Examination(Case(model=One(), train_loader=[X], loss_fn=nn.MSELoss())).val_batches == []


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ((x for x in [X]), "`train_loader` is a generator that can be read only once"),
        (iter(DataLoader(TensorDataset(X))), "can be read only once"),
        (iter([X]), "pass a DataLoader, a list of batches, or a function that returns a fresh"),
        ([], "`train_loader` gives no batch"),
        (DataLoader(TensorDataset(X, Y), batch_size=50, drop_last=True), "gives no batch"),
        (3, "`train_loader` is a int, which gives no batches"),
        (lambda: 3, "`train_loader()` is a int, which gives no batches"),
        (TensorDataset(X, Y), "`train_loader` is a Dataset, which gives single samples"),
        (X, "`train_loader` holds tensors, not batches"),
        ((X, Y), "`train_loader` holds tensors, not batches: write [(inputs, targets)]"),
        (["a", "b"], "gives batches without tensors (str)"),
        ([None], "gives batches without tensors (NoneType)"),
        ([()], "gives batches without tensors (tuple of nothing)"),
        ([([[1, 2], [3]], ["a"])], "gives batches without tensors (tuple of list, list)"),
        ([np.array(["a"])], "gives batches without tensors (ndarray)"),
        ([{}], "gives batches without tensors (dict)"),
    ],
)
def test_loaders_that_cannot_be_used_are_refused_in_one_sentence(loader: Any, message: str) -> None:
    assert message in refused(loader)


def test_a_function_that_gives_the_same_iterator_again_is_refused() -> None:
    once = iter([X, X])
    assert "read only once" in refused(lambda: once)
    assert len(list(once)) == 2


def test_an_error_in_the_data_set_is_told_with_its_place() -> None:
    class Broken(Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> torch.Tensor:
            raise OSError("image 3 is truncated")

    with pytest.raises(UserCodeError) as caught:
        drawn(DataLoader(Broken(), batch_size=2))
    assert "Drawing a batch from `train_loader` failed in" in said(caught.value)
    assert "OSError: image 3 is truncated" in caught.value.text.en
    assert "__getitem__" in caught.value.traceback
    assert "drawing.py" not in caught.value.traceback


def test_ragged_samples_are_told_in_one_sentence() -> None:
    loader = DataLoader([torch.ones(2), torch.ones(3)], batch_size=2)  # type: ignore[arg-type]
    with pytest.raises(UserCodeError) as caught:
        drawn(loader)
    assert "stack expects each tensor to be equal size" in said(caught.value)


def test_a_batch_that_holds_the_links_between_its_samples_is_not_cut():
    links = (torch.rand(40, 40) < 0.1).float()
    links = ((links + links.T) > 0).float()
    weights = links / links.sum(1, keepdim=True).clamp(min=1)
    features, kinds = torch.randn(40, 8), torch.randint(0, 2, (40,))
    for matrix in (links, weights, links.to_sparse()):
        graph = take_apart((features, matrix, kinds))
        assert not lined_up(graph)
        assert cut(graph, 8) is graph
    for square in (torch.randn(40, 40).relu(), torch.zeros(40, 40)):
        assert cut(take_apart((square, kinds)), 8).size == 8


@pytest.mark.parametrize("raw", [(X.numpy(), Y.numpy()), {"x": X.numpy(), "name": ["a", "b"]}])
def test_a_step_gets_numpy_arrays_where_the_loader_gives_them(raw):
    batch = cut(take_apart(raw), 4)
    given = batch.for_step()
    first = given["x"] if isinstance(given, dict) else given[0]
    assert type(given) is type(raw)
    assert isinstance(first, np.ndarray)
    assert np.array_equal(first, X[:4].numpy())
    assert isinstance(take_apart((X, Y.numpy())).for_step()[1], torch.Tensor)
