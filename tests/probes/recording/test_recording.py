from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from probes.recording.flow import has_nonlinearity, linear_pairs
from tests.probes.observing import Composed, classes, examination

X, Y = classes()


def _record(model: nn.Module, batch: Any = (X, Y), loss_fn: Any = F.cross_entropy, **more: Any):
    recording = examination(model, [batch], loss_fn, **more).recording
    assert not recording.failures
    return recording


@pytest.mark.parametrize(
    "relu",
    [
        F.relu,
        torch.relu,
        torch.Tensor.relu,
        torch.relu_,
        nn.ReLU(),
        nn.ReLU(inplace=True),
        lambda h: h.clamp(min=0),
        lambda h: h.clamp_min(0),
        lambda h: torch.clip(h, 0),
        lambda h: F.threshold(h, 0, 0),
    ],
)
def test_relu_is_one_operation_however_it_is_written(relu):
    model = Composed(lambda m, x: m.b(relu(m.a(x))), a=nn.Linear(12, 8), b=nn.Linear(8, 5))
    ops = [op.name for op in _record(model).ops if op.inside]
    assert ops == ["linear", "relu", "linear"]


def test_gradients_are_those_of_a_plain_backward_and_leave_no_trace():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 8), nn.ReLU(inplace=True), nn.Linear(8, 5))
    recording = _record(model)
    assert all(parameter.grad is None for parameter in model.parameters())
    loss = F.cross_entropy(model(X), Y)
    loss.backward()
    assert torch.equal(loss.detach(), recording.loss)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter.grad, recording.gradients[name])


def test_no_hook_stays_behind():
    model = nn.Sequential(nn.Linear(12, 5))
    _record(model)
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks
    assert not model._forward_hooks
    assert not model[0]._forward_hooks


def test_in_place_layers_do_not_change_what_was_seen_before_them():
    torch.manual_seed(0)
    layer = nn.Linear(12, 8)
    model = nn.Sequential(layer, nn.ReLU(inplace=True), nn.Linear(8, 5))
    first = _record(model).layers["0"]
    expected = layer(X).std(correction=0)
    assert first.measured.moments[1].item() == pytest.approx(expected.item(), rel=1e-5)


def test_weight_layers_are_named_in_forward_order_in_any_style():
    model = Composed(
        lambda m, x: F.linear(torch.tanh(x @ m.w), m.out.weight) + m.last(x),
        w=nn.Parameter(torch.randn(12, 6)),
        last=nn.Linear(12, 5),
        out=nn.Linear(6, 5),
    )
    assert _record(model).weight_layers == ("w", "out", "last")


def test_a_layer_called_several_times_is_numbered():
    model = Composed(
        lambda m, x: m.head(m.act(m.a(m.act(m.a(x))))),
        a=nn.Linear(12, 12),
        act=nn.ReLU(),
        head=nn.Linear(12, 5),
    )
    recording = _record(model)
    assert [op.where for op in recording.ops if op.inside] == ["a", "act", "a#2", "act#2", "head"]
    assert recording.weight_layers == ("a", "head")
    assert recording.layers["head"].depth == 3


def _last_state(m: Any, x: Tensor) -> Tensor:
    return m.r(x)[0][:, -1]


def _attended(m: Any, x: Tensor) -> Tensor:
    return m.o(m.r(x, x, x)[0].mean(1))


def _convolved(m: Any, x: Tensor) -> Tensor:
    return m.r(x.mT).mean(-1)


def _contracted(m: Any, x: Tensor) -> Tensor:
    return torch.einsum("ntf,fk->nk", x, m.r)


LAYERS: dict[str, tuple[Any, dict[str, Any], int]] = {
    "lstm": (_last_state, {"r": nn.LSTM(6, 5, 2, batch_first=True)}, 2),
    "gru": (_last_state, {"r": nn.GRU(6, 5, batch_first=True)}, 1),
    "rnn_tanh": (_last_state, {"r": nn.RNN(6, 5, batch_first=True)}, 1),
    "multi_head_attention": (
        _attended,
        {"r": nn.MultiheadAttention(6, 2), "o": nn.Linear(6, 5)},
        2,
    ),
    "conv1d": (_convolved, {"r": nn.Conv1d(6, 5, 3, padding="same")}, 1),
    "conv_transpose1d": (_convolved, {"r": nn.ConvTranspose1d(6, 5, 3)}, 1),
    "einsum": (_contracted, {"r": nn.Parameter(torch.randn(6, 5))}, 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_is_seen(name):
    forward, members, depth = LAYERS[name]
    recording = _record(Composed(forward, **members), (torch.randn(32, 2, 6), Y))
    assert recording.ops[-1].name == "cross_entropy"
    assert name in [op.name for op in recording.weighted]
    assert max(op.depth for op in recording.weighted) == depth
    assert recording.weight_layers[0] == "r"


def test_models_may_return_tuples_dicts_and_objects():
    class Answer:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    for wrap in (lambda o: (o, o * 2), lambda o: {"logits": o, "loss": o.sum()}, Answer):
        model = Composed(lambda m, x, wrap=wrap: wrap(m.a(x)), a=nn.Linear(12, 5))

        def loss_fn(out: Any, y: Tensor) -> Tensor:
            if isinstance(out, tuple):
                return F.cross_entropy(out[0], y)
            return F.cross_entropy(out["logits"] if isinstance(out, dict) else out.logits, y)

        recording = _record(model, loss_fn=loss_fn)
        assert torch.equal(recording.output, model.a(X))


def test_a_model_without_gradients_is_still_described():
    model = Composed(lambda m, x: m.a(x).softmax(1).detach(), a=nn.Linear(12, 5))
    recording = _record(model)
    assert not recording.loss_has_graph
    assert recording.gradients == {}
    assert recording.output_last.name == "softmax"


def test_nan_integers_and_empty_tensors_do_not_disturb():
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x) * torch.tensor(float("nan"))
        top = h.argmax(1)
        nothing = m.a(x[:0])
        return h + 0 * top.unsqueeze(1) + nothing.sum()

    recording = _record(Composed(forward, a=nn.Linear(12, 5)))
    assert torch.isnan(recording.loss)


def test_a_step_of_its_own_is_observed_through():
    def step(model: nn.Module, batch: Any) -> Tensor:
        x, y = batch
        return F.mse_loss(torch.sigmoid(model(x))[:, 0], y.float())

    recording = examination(nn.Linear(12, 1), [(X, Y)], step=step).recording
    assert recording.loss_call.function == "mse_loss"
    assert recording.loss_call.last.name == "sigmoid"
    assert recording.output_last.name == "none"


def test_errors_of_the_user_pass_unchanged():
    with pytest.raises(RuntimeError, match="shapes"):
        _record(nn.Linear(7, 5))


def test_checkpointed_layers_are_recorded_once():
    from torch.utils.checkpoint import checkpoint

    model = Composed(
        lambda m, x: m.b(checkpoint(m.a, x, use_reentrant=False).relu()),
        a=nn.Linear(12, 8),
        b=nn.Linear(8, 5),
    )
    recording = _record(model)
    assert recording.weight_layers == ("a", "b")
    assert recording.gradients["a.weight"] is not None


def test_a_compiled_model_is_recorded_as_it_is_written():
    plain = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))
    names = [op.name for op in _record(plain).ops if op.inside]
    compiled = [op.name for op in _record(torch.compile(plain)).ops if op.inside]
    assert compiled == names


def test_the_record_is_the_same_every_time():
    model = nn.Sequential(nn.Linear(12, 8), nn.Dropout(), nn.Linear(8, 5))
    torch.manual_seed(0)
    first = _record(model)
    torch.manual_seed(0)
    second = _record(model)
    assert torch.equal(first.loss, second.loss)
    assert [(op.name, op.where) for op in first.ops] == [(op.name, op.where) for op in second.ops]


def test_a_straight_through_function_counts_as_a_nonlinearity():
    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return torch.sign(x)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient

    model = Composed(lambda m, x: m.b(Sign.apply(m.a(x))), a=nn.Linear(12, 8), b=nn.Linear(8, 5))
    recording = _record(model)
    assert linear_pairs(recording.ops) == []
    assert has_nonlinearity(recording.ops)


def test_recording_draws_no_random_numbers_of_its_own():
    model = nn.Sequential(nn.Linear(12, 8), nn.Dropout(), nn.Linear(8, 5))
    torch.manual_seed(3)
    observed = _record(model).loss
    torch.manual_seed(3)
    assert torch.equal(F.cross_entropy(model(X), Y).detach(), observed)
