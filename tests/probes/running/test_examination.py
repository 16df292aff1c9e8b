"""An examination runs the case the way its user would, keeps to its budget, and tells all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from expert.errors import UsageError, UserCodeError
from expert.language import Text
from probes.case.case import Case
from probes.probe import Need, Probe
from probes.registry import PROBES
from probes.running.events import Event, LossRefused, ProbeEnded
from probes.running.examination import Examination
from probes.running.run import Chosen, run_probes
from tests.probes.sentences import said

X, Y = torch.randn(20, 4), torch.randint(3, (20,))


def make_case(**changes: Any) -> Case:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    good = {"model": model, "train_loader": [(X, Y)] * 3, "loss_fn": nn.CrossEntropyLoss()}
    return Case(**{**good, **changes})


def make_probe(
    measure: Callable[[Examination], Any], *, cost: int = 1, needs: tuple[Need, ...] = ()
) -> Probe:
    name = measure.__name__
    return Probe(name, Text(name, name), needs, (), cost, measure)


def run(case: Case, *probes: Probe, budget: float = 20.0) -> dict[str, dict[str, Any]]:
    """The last event of each probe, by its id."""
    events: list[dict[str, Any]] = []
    run_probes(case, probes=probes, budget_s=budget, on_event=lambda e: events.append(e.to_json()))
    assert events[0]["event"] == "start"
    json.dumps(events, allow_nan=False)
    return {event["id"]: event for event in events[1:]}


# --- the loss ---------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_users_loop() -> None:
    case = make_case()
    exam = Examination(case)
    expected = nn.functional.cross_entropy(case.model(X), Y)
    torch.testing.assert_close(exam.loss_of(exam.batches[0]), expected)


def test_a_step_gets_the_model_and_the_loaders_own_batch() -> None:
    def step(model: nn.Module, batch: Any) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(model(x), y)

    exam = Examination(make_case(step=step, loss_fn=None))
    assert exam.loss_of(exam.batch).requires_grad


class Labelled(nn.Module):
    """As Hugging Face models: the loss and logits in one object."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        logits = self.layer(inputs)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def test_a_model_that_computes_its_loss_from_labels_needs_no_loss_function() -> None:
    loader = [{"inputs": X, "labels": Y}]
    model = Labelled()
    own = Examination(make_case(model=model, train_loader=loader, loss_fn=None))
    given = Examination(make_case(model=model, train_loader=loader))
    torch.testing.assert_close(own.loss_of(own.batch), given.loss_of(given.batch))


def test_a_loss_without_a_graph_is_a_fact_not_an_error() -> None:
    case = make_case(loss_fn=lambda output, y: nn.functional.cross_entropy(output.detach(), y))
    with Examination(case) as exam:
        exam.prepare()
        assert not exam.recording.loss_has_graph


@pytest.mark.parametrize(
    ("loss_fn", "message"),
    [
        (nn.CrossEntropyLoss(reduction="none"), "`loss_fn` returned a tensor of shape (20,)"),
        (lambda output, y: 1.5, "`loss_fn` returned a float instead of a loss"),
        (lambda output, y: None, "`loss_fn` returned a NoneType instead of a loss"),
        (lambda output, y: "low", "`loss_fn` returned a str instead of a loss"),
    ],
)
def test_what_is_no_loss_is_refused_in_one_sentence(loss_fn: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_probes(make_case(loss_fn=loss_fn), probes=[])
    assert message in said(caught.value)


# --- what the user's code may do ----------------------------------------------------------------


class Raising(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("bad shape\nand more")


def test_an_error_in_forward_keeps_the_users_traceback() -> None:
    with pytest.raises(UserCodeError) as caught:
        run_probes(make_case(model=Raising(4, 3)), probes=[])
    assert "A training step of your case failed in" in said(caught.value)
    assert "ValueError: bad shape." in caught.value.text.en
    assert "in forward" in caught.value.traceback
    assert "examination.py" not in caught.value.traceback.replace("test_examination.py", "")


def test_a_step_may_call_backward_itself() -> None:
    def step(model: nn.Module, batch: Any) -> torch.Tensor:
        loss: torch.Tensor = nn.functional.cross_entropy(model(batch[0]), batch[1])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with Examination(make_case(loss_fn=None, step=step)) as exam:
        exam.prepare()
        assert exam.recording.loss_has_graph


class NoWayBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError("no way back")


def test_an_error_in_backward_is_told_too() -> None:
    def loss_fn(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(NoWayBack.apply(output), y)  # type: ignore[no-untyped-call]

    with pytest.raises(UserCodeError) as caught:
        run_probes(make_case(loss_fn=loss_fn), probes=[])
    assert "NotImplementedError: no way back" in said(caught.value)


def test_a_model_without_values_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        run_probes(make_case(model=nn.Linear(4, 3, device="meta")), probes=[])
    assert "`weight` is on the meta device" in said(caught.value)


def test_something_left_on_another_device_is_advised_on() -> None:
    loss_fn = nn.CrossEntropyLoss(weight=torch.ones(3, device="meta"))
    events: list[Event] = []
    run_probes(make_case(loss_fn=loss_fn), probes=[], on_event=events.append)
    (refused,) = (event for event in events if isinstance(event, LossRefused))
    assert ".to(device)" in said(refused.error)


class FixedSize(nn.Linear):
    """Works with batches of 300 only, as models with a state of fixed size do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + torch.zeros(300, 1)


def test_a_model_with_a_fixed_batch_size_gets_whole_batches() -> None:
    whole = [(torch.randn(300, 4), torch.randint(3, (300,)))]
    case = make_case(model=FixedSize(4, 3), train_loader=whole)
    with Examination(case) as exam:
        exam.prepare()
        assert exam.batch.size == 300
        assert exam.recording.loss_has_graph
    with Examination(make_case(train_loader=whole)) as exam:
        exam.prepare()
        assert exam.batch.size == 256


def test_a_compiled_model_is_examined_uncompiled() -> None:
    case = make_case(model=torch.compile(nn.Linear(4, 3), backend="eager"))
    exam = Examination(case)
    assert type(exam.model) is nn.Linear
    assert [name for name, _ in exam.model.named_parameters()] == ["weight", "bias"]


# --- running probes -----------------------------------------------------------------------------


def good(exam: Examination) -> Iterator[Any]:
    exam.count_steps(2)
    exam.progress(0.5)
    yield exam.observe("a", 1.0)
    yield exam.observe("b", (1.0, float("nan")), ("x", "y"), unit="s")


def broken(exam: Examination) -> Iterator[Any]:
    yield exam.observe("c", 1)
    raise RuntimeError("no luck\nat all")


def memory_hungry(exam: Examination) -> Iterator[Any]:
    raise MemoryError
    yield


def plain_list(exam: Examination) -> list[Any]:
    return [exam.observe("found", exam.found["a"].value)]


def test_a_probe_that_fails_says_why_and_the_others_go_on() -> None:
    probes = [make_probe(m) for m in (broken, memory_hungry, good, plain_list)]
    ended = run(make_case(), *probes)
    assert ended["broken"]["status"] == "failed"
    assert ended["broken"]["reason"]["en"].startswith("RuntimeError: no luck (")
    assert ended["broken"]["observations"][0]["name"] == "c"
    assert ended["memory_hungry"]["reason"]["en"] == "it ran out of memory"
    assert ended["good"]["status"] == "done"
    assert ended["good"]["steps"] == 2
    assert ended["good"]["observations"] == [
        {"name": "a", "value": 1.0, "where": [], "origin": "probe:good", "unit": None},
        {
            "name": "b",
            "value": [1.0, "nan"],
            "where": ["x", "y"],
            "origin": "probe:good",
            "unit": "s",
        },
    ]
    assert ended["plain_list"]["observations"][0]["value"] == 1.0


def test_needs_that_are_not_met_skip_a_probe_with_the_reason() -> None:
    def never(exam: Examination) -> Iterator[Any]:
        raise AssertionError
        yield

    def reasons(case: Case) -> dict[str, str]:
        found = {}
        for need in ("targets", "loss", "optimizer", "gradients"):
            probe = make_probe(good, needs=(need,))
            event = run(case, probe)["good"]
            if event["status"] == "skipped":
                found[need] = event["reason"]["en"]
        return found

    frozen = make_case(loss_fn=lambda output, y: nn.functional.cross_entropy(output.detach(), y))
    assert reasons(frozen) == {
        "optimizer": "the case has no optimizer",
        "gradients": "the loss does not depend on any trainable parameter",
    }
    model = nn.Linear(4, 3)
    unlabelled = make_case(
        model=model,
        train_loader=[{"x": X}],
        loss_fn=lambda output, batch: output.square().mean(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
    )
    assert reasons(unlabelled) == {"targets": "the batches have no targets"}


def endless(exam: Examination) -> Iterator[Any]:
    yield exam.observe("seen", 1)
    while True:
        exam.progress(0.1)
        time.sleep(0.005)


def endless_and_silent(exam: Examination) -> Iterator[Any]:
    while True:
        exam.progress(0.1)
        time.sleep(0.005)
    yield


def test_the_budget_stops_long_probes_shares_time_and_never_stops_cheap_ones() -> None:
    probes = [
        make_probe(endless, cost=100),
        make_probe(endless_and_silent, cost=100),
        make_probe(good, cost=1),
    ]
    started = time.monotonic()
    ended = run(make_case(), *probes, budget=0.4)
    assert time.monotonic() - started < 3
    assert ended["endless"]["status"] == "done"
    assert ended["endless"]["reason"]["en"] == "stopped at the time budget"
    assert ended["endless"]["observations"][0]["name"] == "seen"
    assert ended["endless"]["seconds"] < 0.39  # the other one gets its share
    assert ended["endless_and_silent"]["status"] == "skipped"
    assert ended["endless_and_silent"]["seconds"] > 0.01
    assert ended["good"]["status"] == "done"


def test_without_a_budget_only_cheap_probes_run() -> None:
    ended = run(make_case(), make_probe(endless, cost=100), make_probe(good), budget=0.0)
    assert ended["endless"]["status"] == "skipped"
    assert "time budget was spent" in ended["endless"]["reason"]["en"]
    assert ended["good"]["status"] == "done"


@pytest.mark.parametrize(("waited", "status"), [(0.0, "skipped"), (1000.0, "done")])
def test_what_a_person_takes_to_answer_is_added_to_the_budget(waited: float, status: str) -> None:
    events: list[Event] = []
    run_probes(
        make_case(),
        probes=[make_probe(good, cost=100)],
        budget_s=0.0,
        choose=lambda waiting: Chosen(waiting[0], waited),
        on_event=events.append,
    )
    assert [e.status for e in events if isinstance(e, ProbeEnded)] == [status]


def test_a_probes_own_clean_up_runs_before_the_next_probe() -> None:
    order: list[str] = []

    def careful(exam: Examination) -> Iterator[Any]:
        try:
            with torch.no_grad():
                yield exam.observe("a", 1)
                raise ValueError
        finally:
            order.append("cleaned")

    def later(exam: Examination) -> Iterator[Any]:
        order.append("next")
        assert torch.is_grad_enabled()
        yield exam.observe("b", 1)

    assert run(make_case(), make_probe(careful), make_probe(later))["later"]["status"] == "done"
    assert order == ["cleaned", "next"]


def test_training_starts_from_the_initial_state_every_time() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    exam = Examination(make_case(model=model, optimizer=optimizer))

    def losses() -> list[float]:
        seen = []
        with exam.training():
            for batch in exam.batches:
                optimizer.zero_grad()
                loss = exam.loss_of(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                seen.append(loss.item())
        return seen

    first = losses()
    assert first[-1] < first[0]
    assert losses() == first
    assert optimizer.state == {}


def test_the_registry_has_each_probe_once_and_each_fact_one_probe() -> None:
    names = [probe.id for probe in PROBES]
    assert len(set(names)) == len(names)
    given = [name for probe in PROBES for name in probe.provides]
    assert len(set(given)) == len(given)


def test_probes_that_read_what_others_found_come_after_them() -> None:
    order = {probe.id: place for place, probe in enumerate(PROBES)}
    for earlier, later in (
        ("loss_at_start", "loss_input"),
        ("data", "learning_rate"),
        ("loop", "schedule"),
        ("learning_rate", "own_rate"),
        ("learning_rate", "overfit"),
        ("association", "held_out"),
        ("learning_rate", "generalisation"),
        ("overfit", "association"),  # what decides most comes before what costs as much
    ):
        assert order[earlier] < order[later]


def test_every_observation_is_one_that_its_probe_provides() -> None:
    provides = {probe.origin: set(probe.provides) for probe in PROBES}
    model = nn.Linear(4, 3)
    case = make_case(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    for seen in run_probes(case, budget_s=10):
        assert seen.name in provides[seen.origin]


def test_the_next_probe_can_be_chosen_and_choosing_none_ends_it() -> None:
    ran: list[str] = []

    def first(exam: Examination) -> Iterator[Any]:
        ran.append("first")
        yield exam.observe("a", 1)

    def second(exam: Examination) -> Iterator[Any]:
        ran.append("second")
        yield exam.observe("b", 1)

    def backwards(waiting: Sequence[Probe]) -> Chosen | None:
        return Chosen(waiting[-1]) if len(waiting) > 1 else None

    seen = run_probes(make_case(), probes=(make_probe(first), make_probe(second)), choose=backwards)
    assert ran == ["second"]
    assert [observation.name for observation in seen] == ["b"]
