"""`torchmedic log FILE...`: a diagnosis from the curves of a run, over or not."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from expert.cli.knowledge import knowledge_for
from expert.cli.output import refuse_unwritable, report
from expert.diagnosis import Diagnosis, Inquiry
from expert.inference.diagnose import diagnose
from expert.knowledge.base import Knowledge
from expert.language import Text
from probes.logs.curves import observe_curves
from probes.logs.reading import Logs, read_logs
from probes.logs.series import Remark, Role, Series

_ROLES: dict[Role, Text] = {
    "train_loss": Text("training loss", "训练损失"),
    "val_loss": Text("validation loss", "验证损失"),
    "train_accuracy": Text("training accuracy", "训练准确率"),
    "val_accuracy": Text("validation accuracy", "验证准确率"),
    "learning_rate": Text("learning rate", "学习率"),
    "grad_norm": Text("gradient norm", "梯度范数"),
}


def log(options: argparse.Namespace) -> int:
    """Read the logs of `options.files`, report the diagnosis, and return the exit status."""
    knowledge = knowledge_for(options)
    refuse_unwritable(options)
    diagnosis, remarks = diagnosis_of_logs(
        options.files,
        knowledge,
        train_loss=options.train_loss,
        val_loss=options.val_loss,
        classes=options.classes,
        min_certainty=options.min_certainty,
    )
    for remark in remarks:
        said = remark.text.get(options.lang)
        print(f"torchmedic: {remark.source}: {said}", file=sys.stderr)
    return report(diagnosis, options)


def diagnosis_of_logs(
    files: Sequence[str],
    knowledge: Knowledge,
    *,
    train_loss: str | None = None,
    val_loss: str | None = None,
    classes: int | None = None,
    min_certainty: float = 0.5,
) -> tuple[Diagnosis, Sequence[Remark]]:
    """Return what the curves in `files` say, and remarks on what could not be used.

    Raises UsageError for files that are missing, empty, or hold no curve.
    """
    begun = time.monotonic()
    logs = read_logs(files, train_loss=train_loss, val_loss=val_loss)
    observations = observe_curves(logs.series, classes=classes)
    diagnosis = diagnose(
        observations,
        knowledge,
        min_certainty=min_certainty,
        inquiries=_inquiries(logs, time.monotonic() - begun),
    )
    return diagnosis, logs.remarks


def _inquiries(logs: Logs, seconds: float) -> list[Inquiry]:
    """Return what was read of which curve, and what could not be used."""
    read = [one for one in logs.series if one.role != "other"]
    done = [
        Inquiry(_id(one), "probe", "done", seconds / len(read), reason=_what(one)) for one in read
    ]
    unused = Text("another curve stands for the same", "已有另一条曲线代表同一量")
    other = [
        Inquiry(_id(one), "probe", "skipped", reason=unused)
        for one in logs.series
        if one.role == "other"
    ]
    left_out = [
        Inquiry(os.path.basename(remark.source), "probe", "skipped", reason=remark.text)
        for remark in logs.remarks
    ]
    return [*done, *other, *left_out]


def _id(series: Series) -> str:
    return f"{os.path.basename(series.source)}:{series.name}"


def _what(series: Series) -> Text:
    name = _ROLES[series.role]
    return Text(f"{name.en}, {series.count} points", f"{name.zh}，{series.count} 个点")
