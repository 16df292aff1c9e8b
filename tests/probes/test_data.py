from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from probes import data
from probes.case.batches import Batch
from probes.quantities import unread
from tests.probes.small_cases import case, digits, digits_case, loader, mlp, seen, sgd, tumours


def facts(inputs, targets=None, model=None, batches=None, **more):
    targets = torch.arange(len(inputs)) % 2 if targets is None else targets
    model = mlp(inputs[0].numel(), 4, 2) if model is None else model
    batches = loader(inputs, targets, shuffle=False) if batches is None else batches
    return seen(case(model, batches, nn.CrossEntropyLoss(), sgd(0.1), **more), data.PROBE)


def test_moments_are_those_of_all_values():
    inputs = torch.randn(200, 5) * 3 + 100
    found = facts(inputs)
    assert found["input.mean"] == pytest.approx(float(inputs.double().mean()))
    assert found["input.std"] == pytest.approx(float(inputs.double().std(correction=0)))
    assert found["input.max_abs"] == pytest.approx(float(inputs.abs().max()))
    assert found["input.samples_drawn"] == 200


def test_a_small_deviation_around_a_large_mean_keeps_its_digits():
    inputs = torch.zeros(256, 2, dtype=torch.float64)
    inputs[:, 0] = 1e5 + torch.tensor([-0.01, 0.01]).double().repeat(128)
    inputs[:, 1] = torch.tensor([-1.0, 1.0]).double().repeat(128)
    found = facts(inputs, model=mlp(2, 2).double())
    assert found["input.feature_std"] == pytest.approx((0.01, 1.0), rel=1e-3)
    assert found["input.feature_scale_ratio"] == pytest.approx(100, rel=1e-3)


def test_one_dominating_feature_shows_in_the_effective_share():
    rows, labels = tumours()
    raw = seen(case(mlp(30, 1), loader(rows, labels), nn.BCEWithLogitsLoss(), sgd(0.1)), data.PROBE)
    pixels = seen(digits_case(sgd(0.1)), data.PROBE)
    assert raw["input.feature_scale_ratio"] > 1e4
    assert raw["input.effective_feature_share"] < 0.1
    assert pixels["input.effective_feature_share"] > 0.5  # rare border pixels do no harm


def test_border_pixels_that_never_change_are_counted():
    rows, _ = digits()
    found = seen(digits_case(sgd(0.1)), data.PROBE)
    never = float((rows[:1024].std(0) == 0).double().mean())
    assert found["input.constant_feature_share"] == pytest.approx(never, abs=0.05)
    assert found["input.constant_sample_share"] == 0


def test_images_have_one_feature_per_channel():
    images = torch.rand(64, 3, 8, 8) * torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    found = facts(images, model=model)
    assert len(found["input.feature_std"]) == 3
    assert found["input.feature_scale_ratio"] == pytest.approx(100, rel=0.1)


def test_sequences_of_different_length_have_the_features_of_the_last_axis():
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    batches = [(torch.randn(4, length, 3), torch.tensor([0, 1, 0, 1])) for length in (5, 7, 9)]
    found = facts(batches[0][0], model=Last(), batches=batches)
    assert len(found["input.feature_std"]) == 3


def test_missing_values_are_counted_and_left_out_of_the_moments():
    inputs = torch.ones(100, 4) * torch.tensor([1.0, 2.0, 3.0, 4.0])
    inputs[:10, 0] = math.nan
    inputs[10:15, 1] = math.inf
    found = facts(inputs)
    assert found["input.nonfinite_share"] == pytest.approx(15 / 400)
    assert found["input.nonfinite_samples"] == 15
    assert found["input.max_abs"] == 4
    assert found["input.feature_mean"] == pytest.approx((1, 2, 3, 4))


def test_one_bad_sample_is_seen_however_far_down_the_set_it_stands():
    inputs = torch.ones(20_000, 4)
    inputs[19_999, 2] = math.nan
    assert facts(inputs)["input.nonfinite_share"] == pytest.approx(1 / 80_000)


def test_blank_samples_and_copies_of_the_most_frequent_one_are_counted():
    inputs = torch.randn(64, 8)
    inputs[:16] = 0
    inputs[63] = inputs[20]
    found = facts(inputs)
    assert found["input.constant_sample_share"] == 0.25
    assert found["input.identical_sample_share"] == 0.25


def test_a_text_that_says_the_same_again_and_again_is_not_one_sample():
    assert facts(torch.randn(8, 4).repeat(8, 1))["input.identical_sample_share"] == 1 / 8
    assert facts(torch.randn(64, 4))["input.identical_sample_share"] == 0.0


def test_the_same_batch_again_and_again_is_seen():
    batch = (torch.randn(8, 4), torch.arange(8) % 2)
    assert facts(batch[0], batches=[batch] * 5)["input.repeated_batch"] is True


def test_blank_inputs_with_different_labels_are_no_repeated_batch():
    torch.manual_seed(0)
    found = facts(torch.zeros(64, 4), torch.randint(0, 2, (64,)))
    assert found["input.repeated_batch"] is False


def test_integer_ids_are_tokens_and_have_no_scale():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 2))
    found = facts(torch.randint(0, 9, (64, 5)), model=model)
    assert found["input.kind"] == "tokens"
    assert "input.std" not in found


def test_several_inputs_name_their_features():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(2, 2), nn.Linear(3, 2)

        def forward(self, a, b):
            return self.left(a) + self.right(b)

    batches = loader(torch.randn(64, 2), torch.randn(64, 3), torch.arange(64) % 2)
    exam_case = case(Two(), batches, nn.CrossEntropyLoss(), sgd(0.1))
    from probes.running.examination import Examination

    found = {o.name: o for o in data.PROBE.measure(Examination(exam_case))}
    names = ("input0[0]", "input0[1]", "input1[0]", "input1[1]", "input1[2]")
    assert found["input.feature_std"].where == names


class _MadeOneByOne(torch.utils.data.Dataset):
    """A logarithm of zero in one of its samples."""

    def __init__(self, bad: int | None) -> None:
        self.bad = bad

    def __len__(self) -> int:
        return 900

    def __getitem__(self, index: int):
        flow = torch.rand(4) + 0.5
        if index == self.bad:
            flow[1] = 0
        return flow.log(), index % 2


@pytest.mark.parametrize("bad", [887, None])
def test_samples_made_as_they_are_read_are_looked_through_too(bad, monkeypatch):
    monkeypatch.setattr(unread, "SECONDS", 600.0)
    monkeypatch.setattr(unread, "PATIENCE", 600.0)
    batches = DataLoader(_MadeOneByOne(bad), 4)
    found = facts(torch.randn(4, 4), batches=batches)
    assert found["input.samples_drawn"] < 887
    assert found["input.samples_read"] == 900
    assert found["input.nonfinite_in_batch"] == 0
    assert found["input.nonfinite_samples"] == (0 if bad is None else 1)


def test_inputs_that_lie_deep_in_a_dict_are_named_by_their_keys():
    inputs = {"table": {"x": torch.randn(32, 3)}, "meta": ("name", torch.arange(32))}
    batch = Batch(inputs, torch.arange(32) % 2, inputs, 32)
    assert {name: tuple(t.shape) for name, t in data.input_tensors(batch).items()} == {
        "table.x": (32, 3)
    }
