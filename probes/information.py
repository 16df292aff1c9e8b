"""Probe of what each layer still knows of the targets: where does the network turn data to garbage?

Section 2 of the "37 reasons": where random inputs do as well as real ones, debug layer by layer.
Cheap models that can tell the targets from the inputs are asked to tell them from the output of
each hidden layer of the network as it is, with a permutation test beside (Alain and Bengio,
"Understanding intermediate layers using linear classifier probes", 2016). Random layers keep most
of it; what one layer has lost no later one can bring back, so the last are looked at first, and
all only where nothing has arrived there. The head is left out: an untrained one has every right to
answer at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from expert.language import Text
from expert.observation import Observation
from probes.association import TASKS, Table, table_of
from probes.case.batches import Batch, call_model
from probes.data import input_kind
from probes.probe import Probe
from probes.quantities.cheap_models import Association, associate, smoothers
from probes.quantities.tables import Scaling, pooled
from probes.quantities.task import infer
from probes.recording.measured import Measured
from probes.recording.operation import Op
from probes.recording.recording import main_output
from probes.recording.tracing import Tracer
from probes.training.regrouped import alike, gathered, places

if TYPE_CHECKING:
    from probes.running.examination import Examination

SAMPLES: Final = 256
LAST: Final = 3  # hidden layers that the head is given, of which one is enough
LAYERS: Final = 16  # looked at first, where something is lost
COLUMNS: Final = 512  # of a layer's output, at random
PERMUTATIONS: Final = 39
ENOUGH: Final = 0.3  # of the targets told from the inputs: of less nothing can be missed
KEPT: Final = 0.25  # of that: nothing is lost
LOST: Final = 0.1
LEAST: Final = 0.05  # of the targets: chance may give as much
FINEST: Final = 1e-4  # of the size of a unit's outputs
NOTHING: Final = 1e-5  # of the usual size of the layers' outputs
CHANCE: Final = 0.1  # p-value above which a relation may be none


def measure(exam: Examination) -> Iterator[Observation]:
    """Give the facts `information.*`; nothing where cheap models tell little from the inputs."""
    if infer(exam).name not in TASKS or input_kind(exam) != "continuous":
        return
    batches = alike(exam.batches)
    table = table_of(exam, batches)
    if table is None:
        return
    features, target = table.features[:SAMPLES], table.target[:SAMPLES]
    if bool((target == target[0]).all()):
        return
    before = associate(smoothers(features), target, permutations=PERMUTATIONS)
    if before.gain < ENOUGH or before.p_value > CHANCE:
        return
    yield exam.observe("information.in_inputs", before.gain)
    exam.progress(0.2)
    outputs, last = _outputs(exam, batches, table)
    if not last:
        return
    sizes = sorted(float(rows.double().square().mean().sqrt()) for rows in outputs.values())
    floor = NOTHING * sizes[len(sizes) // 2]
    told = [_told(outputs[name], target, floor) for name in last]
    kept = max(0.0, *(layer.gain for layer in told)) / before.gain
    yield exam.observe("information.kept_at_end", kept)
    lost = kept < LOST and not any(map(_is_informed, told))
    yield exam.observe("information.lost", lost)
    if lost:
        yield from _where_lost(exam, outputs, target, before.gain, floor)


def _where_lost(
    exam: Examination, outputs: dict[str, Tensor], target: Tensor, whole: float, floor: float
) -> Iterator[Observation]:
    """Tell what some layers keep, and the first from which on no layer has anything."""
    names, told = list(outputs), {}

    def informed(index: int) -> bool:
        told[index] = _told(outputs[names[index]], target, floor)
        exam.progress(0.3 + 0.7 * len(told) / (LAYERS + 6))
        return _is_informed(told[index])

    count = min(LAYERS, len(names))
    spread = sorted({round(i * (len(names) - 1) / max(count - 1, 1)) for i in range(count)})
    known = [index for index in spread if informed(index)]
    last = known[-1] if known else -1
    lost = next((index for index in spread if index > last), len(names))
    while lost - last > 1:
        middle = (last + lost) // 2
        last, lost = (middle, lost) if informed(middle) else (last, middle)
    where = tuple(names[index] for index in sorted(told))
    shares = tuple(max(told[index].gain, 0.0) / whole for index in sorted(told))
    yield exam.observe("information.kept", shares, where)
    if lost < len(names):
        yield exam.observe("information.lost_at", (True,), (names[lost],))


def _is_informed(told: Association) -> bool:
    return told.gain > LEAST and told.p_value <= CHANCE


def _told(rows: Tensor, target: Tensor, floor: float) -> Association:
    """Return what cheap models tell from rows whose columns are known to a ten-thousandth.

    Finer differences are rounding, which standardising would blow up to a signal; so are columns
    that are themselves below `floor`.
    """
    rows, generator = rows.double(), torch.Generator().manual_seed(4)
    noise = torch.randn(rows.shape, generator=generator, dtype=rows.dtype)
    size = rows.square().mean(0).sqrt()
    seen = rows + torch.maximum(FINEST * size, torch.tensor(floor)) * noise
    return associate(smoothers(Scaling.of(seen)(seen)), target, permutations=PERMUTATIONS)


def _outputs(
    exam: Examination, batches: Sequence[Batch], table: Table
) -> tuple[dict[str, Tensor], list[str]]:
    """Return rows (N, P) by hidden layer in forward order, and which the head is given.

    The model runs as it was handed over, in evaluation mode, on batches of its own size.
    """
    every = places(batches)
    chosen = [every[int(index)] for index in table.places[:SAMPLES]]
    size = batches[0].size
    found: dict[str, list[Tensor]] = {}
    last: list[str] = []
    with exam.training(), torch.no_grad():
        exam.model.eval()
        for start in range(0, len(chosen), size):
            batch = gathered(batches, chosen[start : start + size])
            kept, last = _of_batch(exam, batch)
            for name, rows in kept.items():
                found.setdefault(name, []).append(rows)
    exam.count_steps(1 + len(chosen) // (3 * size))
    whole = {name: torch.cat(parts) for name, parts in found.items() if _fit(parts)}
    whole = {name: rows for name, rows in whole.items() if len(rows) == len(chosen)}
    return whole, [name for name in last if name in whole][:LAST]


def _fit(parts: Sequence[Tensor]) -> bool:
    return len({part.shape[1] for part in parts}) == 1


def _of_batch(exam: Examination, batch: Batch) -> tuple[dict[str, Tensor], list[str]]:
    kept: list[Tensor] = []

    def keep(
        name: str, output: Tensor, units: int | None, bounds: tuple[float | None, float | None]
    ) -> Measured | None:
        rows = _rows(output, batch.size)
        if rows is None:
            return None
        kept.append(rows)
        return Measured(None)

    tracer = Tracer(exam.model, measure=keep, measure_all=True)
    with tracer.watching():
        output = main_output(call_model(exam.model, batch.inputs))
    seen = [op for op in tracer.ops if op.measured is not None]
    found = {op.index: rows for op, rows in zip(seen, kept, strict=True)}
    end = None if output is None else tracer.made_by(output)
    head = next(iter(_before(tracer.ops, [end], lambda op: op.weights is not None)), None)
    if head is None:
        return {}, []
    given = _before(tracer.ops, head.inputs, lambda op: op.index in found)
    rows_of = {op.where: found[op.index] for op in seen if op.index < head.index}
    return rows_of, [op.where for op in given]


def _before(
    ops: Sequence[Op], starts: Iterable[int | None], wanted: Callable[[Op], bool]
) -> list[Op]:
    """Return the nearest wanted operations on the ways back from `starts`, the latest first."""
    found: dict[int, Op] = {}
    waiting = [index for index in starts if index is not None and index >= 0]
    visited = set(waiting)
    while waiting:
        op = ops[waiting.pop()]
        if wanted(op):
            found[op.index] = op
            continue
        new = [index for index in op.inputs if index >= 0 and index not in visited]
        visited.update(new)
        waiting.extend(new)
    return [found[index] for index in sorted(found, reverse=True)]


def _rows(output: Tensor, samples: int) -> Tensor | None:
    """Return an output as rows of finite numbers, one per sample; None where there is no such."""
    if not output.is_floating_point() or output.layout != torch.strided or not output.numel():
        return None
    axes = [axis for axis in range(min(2, output.dim())) if output.shape[axis] == samples]
    if not axes:
        return None
    values = pooled(output.detach().movedim(axes[0], 0)).flatten(1)
    if values.shape[1] > COLUMNS:
        generator = torch.Generator().manual_seed(0)
        chosen = torch.randperm(values.shape[1], generator=generator)[:COLUMNS]
        values = values[:, chosen.to(values.device)]
    return torch.nan_to_num(values, 0.0, 0.0, 0.0).float().cpu()


PROBE = Probe(
    id="information",
    title=Text(en="What each layer still knows of the labels", zh="各层还保留多少标签信息"),
    needs=("targets",),
    provides=(
        "information.in_inputs",
        "information.kept_at_end",
        "information.lost",
        "information.kept",
        "information.lost_at",
    ),
    cost=100,
    measure=measure,
    usual=4,
    seconds=0.1,
    after=("association",),
)
