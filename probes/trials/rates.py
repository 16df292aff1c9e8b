"""Treatments of the learning rate."""

from __future__ import annotations

from typing import Final

from expert.language import Text
from probes.case.case import Case
from probes.optimizer import groups, own_rate
from probes.running.examination import Examination
from probes.training.short_training import set_rate
from probes.trials.trial import Trial, Unsuitable


def _suggested(exam: Examination) -> Case:
    found = exam.found.get("sweep.suggested_rate")
    if found is None or not isinstance(found.value, float | int):
        raise Unsuitable(en="the rate sweep suggested no rate", zh="学习率扫描没有给出建议值")
    return _at(exam, float(found.value))


def _at(exam: Examination, rate: float) -> Case:
    if not any("lr" in group for group in groups(exam.case)):
        raise Unsuitable(en="the optimizer has no learning rate", zh="优化器没有学习率")
    set_rate(exam, rate)
    for group in groups(exam.case):
        for name in ("initial_lr", "max_lr"):  # what a scheduler would go back to
            if name in group:
                group[name] = float(group["lr"])
    return exam.case


TENTH: Final = Trial(
    "rate-tenth",
    Text(en="a tenth of the rate", zh="学习率除以 10"),
    lambda exam: _at(exam, own_rate(exam.case) / 10),
)
TRIALS: Final = (
    Trial(
        "suggested-rate",
        Text(en="the rate from the sweep", zh="扫描得出的学习率"),
        _suggested,
        uses=("sweep.suggested_rate",),
    ),
    TENTH,
    Trial(
        "rate-tenfold",
        Text(en="ten times the rate", zh="学习率乘以 10"),
        lambda exam: _at(exam, own_rate(exam.case) * 10),
    ),
)
