"""The healthy bases, and how a fault makes a patient of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import (
    attributes,
    autoencoder,
    breast_cancer,
    diabetes,
    digits_cnn,
    digits_mlp,
    generative,
    pairs,
    plane,
    recurrent,
    resnet,
    rows,
    seasons,
    traffic,
    transformer,
    unseen,
    wine,
)
from ..data import CaseDict
from ..patient import Build, Patient, Score
from ..training import accuracy, balanced_from_logits, character_accuracy, explained

Fault = Callable[[CaseDict], CaseDict]


@dataclass(frozen=True, slots=True)
class Base:
    """A healthy case and how its training is scored (None: not by its outputs)."""

    healthy: Build
    score: Score | None = accuracy


BASES: dict[str, Base] = {
    "digits-mlp": Base(digits_mlp.healthy),
    "digits-cnn": Base(digits_cnn.healthy),
    "digits-normed": Base(digits_cnn.healthy_batch_norm),
    "digits-resnet": Base(resnet.healthy),
    "fine-tuned-resnet": Base(resnet.healthy_fine_tuning),
    "digits-rnn": Base(rows.healthy),
    "digits-vae": Base(generative.healthy, None),
    "ring-gan": Base(generative.healthy_adversaries, None),
    "digits-autoencoder": Base(autoencoder.healthy, None),
    "digit-attributes": Base(attributes.healthy, balanced_from_logits),
    "digit-pairs": Base(pairs.healthy, balanced_from_logits),
    "wine": Base(wine.healthy),
    "breast-cancer": Base(breast_cancer.healthy, balanced_from_logits),
    "diabetes": Base(diabetes.healthy, explained),
    "seasons": Base(seasons.healthy, explained),
    "spirals": Base(plane.healthy),
    "traffic": Base(traffic.healthy, balanced_from_logits),
    "characters-rnn": Base(recurrent.healthy),
    "characters-transformer": Base(transformer.healthy, character_accuracy),
    "iris-mlp": Base(unseen.iris),
    "friedman-residual": Base(unseen.friedman, explained),
    "textures-cnn": Base(unseen.textures),
    "brackets-lstm": Base(unseen.brackets, balanced_from_logits),
}
#: Bases whose healthy case stands in `patients` already.
_KNOWN = frozenset(
    [
        "digits-mlp",
        "digits-cnn",
        "digits-rnn",
        "digits-autoencoder",
        "digit-attributes",
        "digit-pairs",
        "wine",
        "breast-cancer",
        "diabetes",
        "seasons",
        "characters-rnn",
        "characters-transformer",
    ]
)


def ill(base: str, name: str, fault: Fault, *causes: str, second: tuple[str, ...] = ()) -> Patient:
    """Return the base with the fault in it: the cause, then others that are as true."""
    healthy = BASES[base].healthy

    def build(seed: int) -> CaseDict:
        return fault(healthy(seed))

    cause, *also = causes
    return Patient(
        f"{base}/{name}", cause, build, tuple(also), second, BASES[base].score, f"{base}/healthy"
    )


def _healthy(base: str) -> Patient:
    return Patient(
        f"{base}/healthy",
        None,
        BASES[base].healthy,
        score=BASES[base].score,
        well=f"{base}/healthy",
    )


#: The healthy cases of the bases that stand nowhere else.
PATIENTS: tuple[Patient, ...] = tuple(_healthy(base) for base in BASES if base not in _KNOWN)
