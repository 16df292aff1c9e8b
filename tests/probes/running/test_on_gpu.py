"""On a CUDA device: computed there, without waiting for it, no memory kept, half precision."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from expert import built_in_knowledge, diagnose
from expert.errors import UserCodeError
from probes.case.case import Case
from probes.quantities.fused import norms
from probes.recording.measured import measured
from probes.recording.tracing import Tracer
from probes.running.events import ProbeEnded
from probes.running.examination import Examination
from probes.running.run import run_probes
from tests.probes.fingerprint import differences, fingerprint
from tests.probes.sentences import said
from tests.probes.small_cases import digits, loader

pytestmark = pytest.mark.gpu


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    layers += [nn.Flatten(), nn.Linear(512, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10)]
    return nn.Sequential(*layers)


def on_gpu(dtype: torch.dtype = torch.float32, **more: Any) -> Case:
    rows, labels = digits()
    images = ((rows - rows.mean()) / rows.std()).reshape(-1, 1, 8, 8).to(dtype)
    model = network().to("cuda", dtype)
    return Case(
        model=model,
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3),
        train_loader=loader(images, labels),  # on the host, as loaders give them
        **more,
    )


def test_batches_and_statistics_are_on_the_models_device() -> None:
    with Examination(on_gpu()) as exam:
        assert exam.batch.input_tensor is not None
        assert exam.batch.input_tensor.is_cuda
        kept = [op.measured for op in exam.recording.ops if op.measured is not None]
        assert kept
        assert all(entry.moments is not None and entry.moments.is_cuda for entry in kept)


def test_observing_a_forward_never_waits_for_the_device() -> None:
    with Examination(on_gpu()) as exam:
        batch = exam.batch
        exam.loss_of(batch)  # what the libraries set up once may wait
        tracer = Tracer(exam.model, measure=measured)
        torch.cuda.set_sync_debug_mode("error")
        try:
            with tracer.watching():
                exam.loss_of(batch)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert not tracer.failures


def test_norms_of_many_tensors_take_one_transfer() -> None:
    tensors = [torch.randn(64, device="cuda", dtype=d) for d in (torch.float32, torch.bfloat16)] * 9
    norms(tensors)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            norms(tensors)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len([entry for entry in caught if "synchronizing" in str(entry.message)]) == 1


def test_an_examination_leaves_no_memory_taken_and_nothing_changed() -> None:
    case = on_gpu()
    run_probes(case, budget_s=5)  # what the libraries keep once
    before, random = fingerprint(case), torch.cuda.get_rng_state().tolist()
    gc.collect()
    taken = torch.cuda.memory_allocated()
    run_probes(case, budget_s=20)
    gc.collect()
    assert torch.cuda.memory_allocated() <= taken
    assert differences(before, fingerprint(case)) == []
    assert torch.cuda.get_rng_state().tolist() == random


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_healthy_networks_are_left_in_peace(dtype: torch.dtype) -> None:
    ended: list[Any] = []
    seen = run_probes(on_gpu(dtype), budget_s=60, on_event=ended.append)
    failed = [e.id for e in ended if isinstance(e, ProbeEnded) and e.status == "failed"]
    assert failed == []
    assert [finding.cause for finding in diagnose(seen, built_in_knowledge()).findings] == []


def test_float16_under_a_scaler_is_left_in_peace() -> None:
    ended: list[Any] = []
    case = on_gpu(scaler=torch.amp.GradScaler("cuda"))
    seen = run_probes(case, budget_s=60, on_event=ended.append)
    assert [e.id for e in ended if isinstance(e, ProbeEnded) and e.status == "failed"] == []
    facts = {observation.name: observation.value for observation in seen}
    assert facts["amp.dtype"] == "float16"
    assert [finding.cause for finding in diagnose(seen, built_in_knowledge()).findings] == []


def test_a_layer_left_on_the_host_is_told_in_one_sentence() -> None:
    case = on_gpu()
    case.model[4].cpu()  # type: ignore[index]
    with pytest.raises(UserCodeError) as caught:
        run_probes(case, probes=[])
    assert "device" in said(caught.value)
