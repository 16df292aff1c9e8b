"""Treatment of augmentation: the training samples without their random changes.

What a data set does is the user's own code. A program can take out what is named as random in its
`transform`, as torchvision and the like have it; other data sets are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from torch.utils.data import DataLoader, Subset

from expert.language import Text
from probes.case.case import Case
from probes.case.own_step import replace
from probes.trials.trial import Trial, TrialExamination, Unsuitable, changed

_ATTRIBUTES: Final = ("transform", "transforms")
_RANDOM: Final = (
    "Random",
    "AutoAugment",
    "TrivialAugment",
    "AugMix",
    "ColorJitter",
    "Jitter",
    "ElasticTransform",
    "GaussianBlur",
    "GaussianNoise",
    "GaussNoise",
    "CutMix",
    "MixUp",
    "CutOut",
    "Dropout",
)


def _without(exam: TrialExamination) -> Case:
    loader = exam.users_case.train_loader
    with ExitStack() as stack:
        taken = [
            _take_out(stack, dataset, name)
            for dataset in _datasets(loader)
            for name in _ATTRIBUTES
            if hasattr(dataset, name)
        ]
        if not any(taken):
            raise Unsuitable(
                en="no random `transform` of the data set can be taken out by a program",
                zh="数据集中没有可由程序去掉的随机 `transform`",
            )
        clean = TrialExamination(exam.users_case)
        train = [batch.raw for batch in clean.batches]
    return changed(exam.case, train_loader=train)


def _datasets(loader: Any) -> Iterator[Any]:
    found = loader.dataset if isinstance(loader, DataLoader) else None
    while found is not None:
        yield found
        found = found.dataset if isinstance(found, Subset) else None


def _take_out(stack: ExitStack, owner: Any, name: str) -> bool:
    """Take random steps out of a transform, or of a list of them, until the stack is left."""
    transform = getattr(owner, name)
    if _random(transform):
        replace(stack, owner, name, _as_it_is)
        return True
    steps = getattr(transform, "transforms", None)
    if not isinstance(steps, list) or not any(map(_random, steps)):
        return False
    replace(stack, transform, "transforms", [step for step in steps if not _random(step)])
    return True


def _random(transform: Any) -> bool:
    kind = getattr(transform, "__name__", None) or type(transform).__name__
    return any(word.lower() in kind.lower() for word in _RANDOM)


def _as_it_is(sample: Any) -> Any:
    return sample


TRIALS: Final = (
    Trial(
        "without-augmentation",
        Text(en="without augmentation", zh="不做数据增强"),
        _without,
        goal="validation",
    ),
)
