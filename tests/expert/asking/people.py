"""People who answer the questionnaire: one whose training is fine, and some with one trouble."""

from __future__ import annotations

from collections.abc import Mapping

from expert.asking import Questionnaire
from expert.inference.diagnose import diagnose
from expert.knowledge.base import Knowledge

Answers = Mapping[str, str | None]

#: What a person says of a classifier that trains as it should.
FINE: Answers = {
    "what-the-loss-does": "falls",
    "what-the-validation-loss-does": "falls",
    "result-in-use": "as-good",
    "training-length": "middle",
    "first-loss": "as-guessing",
    "when-not-finite": None,
    "predictions": "good",
    "few-samples": "learns-them",
    "weights-change": "all",
    "random-input": "worse",
    "simpler-version": "learns",
    "task": "one-of-several-classes",
    "input-scale": "standardised",
    "preprocessing-statistics": "training",
    "sample-order": "random",
    "class-balance": "even",
    "how-labels-were-made": "checked",
    "batch-looked-at": "right",
    "missing-values": "none",
    "kind-of-features": "quantities",
    "predictable": "yes",
    "label-encoding": "from-zero",
    "target-scale": "unit",
    "how-many-samples": "thousands",
    "validation-preprocessing": "alike",
    "split": "apart",
    "augmentation": "mild",
    "architecture": "published",
    "slips-in-the-code": "none",
    "depth": "middle",
    "width": "usual",
    "hidden-activations": "relu",
    "gradient-helpers": "yes",
    "initialisation": "default",
    "where-layers-are-kept": "modules",
    "frozen": "none",
    "dropout": "moderate",
    "batch-normalisation": "yes",
    "axes": "apart",
    "operations-without-gradient": "none",
    "own-backward": "none",
    "loss-function": "cross-entropy",
    "last-layer": "nothing",
    "loss-shapes": "fit",
    "loss-reduction": "mean",
    "own-loss": "lowest",
    "loss-terms": "one",
    "undefined-operations": "none",
    "metric-check": "notices",
    "training-step": "right",
    "optimiser": "adam",
    "learning-rate": "usual",
    "other-rates": "neither",
    "momentum": "usual",
    "what-the-optimiser-holds": "all",
    "batch-size": "usual",
    "accumulation": "none",
    "clipping": "none",
    "schedule": "constant",
    "modes": "both",
    "dropout-by-function": "no",
    "weight-decay": "usual",
    "number-format": "float32",
    "hardware": "gpu",
    "precision-needed": "rough",
    "noise-in-use": "the-same",
    "slips-of-several-processes": "none",
    "loader-workers": "nothing-to-repeat",
    "how-the-run-ends": "as-planned",
    "copies-alike": "equal",
    "where-nan-began": "all",
}

#: Experiments that most people have not made before they ask for help.
NOT_TRIED: Answers = {
    "few-samples": None,
    "weights-change": None,
    "random-input": None,
    "simpler-version": None,
    "other-rates": None,
    "predictions": None,
    "own-loss": None,
    "metric-check": None,
    "copies-alike": None,
}

_FLAT: Answers = {"what-the-loss-does": "flat", "what-the-validation-loss-does": "flat"}
_AT_CHANCE: Answers = {"what-the-loss-does": "at-chance", "what-the-validation-loss-does": "flat"}
_SLOW: Answers = {"what-the-loss-does": "slow"}
_WAVERS: Answers = {"what-the-loss-does": "wavers", "what-the-validation-loss-does": "wavers"}
_RISES: Answers = {"what-the-loss-does": "rises", "what-the-validation-loss-does": "rises"}
_NAN: Answers = {
    "what-the-loss-does": "not-finite",
    "what-the-validation-loss-does": None,
    "when-not-finite": "late",
}
_ONLY_TRAINING: Answers = {"what-the-validation-loss-does": "turns", "result-in-use": None}
_SEVERAL: Answers = {"hardware": "several-gpus"}
_REGRESSION: Answers = {"task": "numbers", "loss-function": "mse", "class-balance": None}

#: What a person with each trouble says otherwise than one whose training is fine.
TROUBLES: dict[str, Answers] = {
    "amp-overflow": {**_NAN, "number-format": "bare-float16"},
    "bad-init": {**_FLAT, "initialisation": "constant"},
    "batchnorm-not-synchronised": {
        **_WAVERS,
        **_SEVERAL,
        "slips-of-several-processes": "few-samples-per-norm",
    },
    "batch-too-large": {**_SLOW, "batch-size": "whole"},
    "batch-too-small": {**_WAVERS, "batch-size": "one-or-two", "batch-normalisation": "no"},
    "batchnorm-misuse": {**_WAVERS, "batch-size": "one-or-two"},
    "capacity-too-small": {**_SLOW, "width": "few", "hidden-activations": "relu"},
    "class-imbalance": {**_AT_CHANCE, "class-balance": "rare", "predictions": "one-class"},
    "constant-or-zero-input": {**_AT_CHANCE, "batch-looked-at": "empty"},
    "custom-layer-bug": {**_WAVERS, "own-backward": "fails"},
    "custom-loss-bug": {**_RISES, "loss-function": "own", "own-loss": "not-lowest"},
    "dead-relu": {
        **_FLAT,
        "hidden-activations": "relu",
        "learning-rate": "tenths",
        "optimiser": "sgd",
        "predictions": "all-alike",
    },
    "dimension-mistake": {**_AT_CHANCE, "slips-in-the-code": "viewed", "axes": "viewed"},
    "double-softmax": {**_SLOW, "last-layer": "softmax"},
    "dropout-always-on": {"dropout-by-function": "yes", "what-the-validation-loss-does": "wavers"},
    "eval-mode-wrong": {**_SLOW, "modes": "never-back"},
    "evaluated-in-training-mode": {**_ONLY_TRAINING, "modes": "never-eval"},
    "excessive-augmentation": {**_SLOW, "augmentation": "strong"},
    "exploding-gradient": {
        **_RISES,
        "depth": "very-deep",
        "gradient-helpers": "no",
        "batch-normalisation": "no",
    },
    "frozen-parameters": {**_FLAT, "slips-in-the-code": "frozen", "frozen": "new-parts"},
    "gradient-accumulation-wrong": {**_RISES, "accumulation": "summed"},
    "gradient-clipping-masks": {**_SLOW, "clipping": "needed"},
    "gradient-clipping-too-tight": {**_SLOW, "clipping": "tight"},
    "graph-detached": {**_FLAT, "slips-in-the-code": "cut", "operations-without-gradient": "cut"},
    "hardware-unused": {**_SLOW, "hardware": "cpu-beside-gpu"},
    "hidden-units-wrong": {**_SLOW, "width": "fewer-than-outputs"},
    "input-lost-in-network": {**_AT_CHANCE, "random-input": "alike"},
    "input-not-preprocessed": {**_SLOW, "kind-of-features": "codes"},
    "insufficient-training": {"training-length": "short"},
    "irrelevant-features": {**_AT_CHANCE, "predictable": "no"},
    "label-noise": {
        **_WAVERS,
        "batch-looked-at": "some-labels-wrong",
        "how-labels-were-made": "automatic",
    },
    "labels-misaligned-with-inputs": {
        **_AT_CHANCE,
        "batch-looked-at": "labels-elsewhere",
        "how-labels-were-made": "unchecked",
    },
    "labels-wrong-encoding": {**_AT_CHANCE, "label-encoding": "from-one"},
    "last-activation-wrong": {**_AT_CHANCE, **_REGRESSION, "last-layer": "relu"},
    "learning-rate-too-high": {**_RISES, "learning-rate": "above-one"},
    "learning-rate-too-low": {**_SLOW, "learning-rate": "tiny"},
    "loss-broadcast-mistake": {
        **_AT_CHANCE,
        **_REGRESSION,
        "slips-in-the-code": "column-and-row",
        "loss-shapes": "column-and-row",
    },
    "loss-input-mismatch": {**_SLOW, "loss-function": "nll"},
    "loss-summed-over-batch": {**_RISES, "loss-reduction": "sum"},
    "loss-terms-unbalanced": {**_SLOW, "loss-terms": "apart"},
    "lr-schedule-wrong": {**_SLOW, "schedule": "dies-early"},
    "metric-wrong": {"metric-check": "blind"},
    "missing-backward": {**_FLAT, "training-step": "no-backward"},
    "missing-nonlinearity": {**_SLOW, "hidden-activations": "none"},
    "missing-optimizer-step": {**_FLAT, "training-step": "no-step"},
    "missing-zero-grad": {**_RISES, "training-step": "no-zero-grad"},
    "module-called-past-ddp": {
        **_SLOW,
        **_SEVERAL,
        "slips-of-several-processes": "past-the-wrapper",
    },
    "momentum-wrong": {**_WAVERS, "optimiser": "sgd", "momentum": "very-high"},
    "nan-or-inf-in-input": {**_NAN, "when-not-finite": "at-once", "missing-values": "some"},
    "network-too-deep": {
        **_AT_CHANCE,
        "depth": "very-deep",
        "gradient-helpers": "no",
        "batch-normalisation": "no",
    },
    "no-regularization": {
        **_ONLY_TRAINING,
        "dropout": "none",
        "weight-decay": "none",
        "batch-normalisation": "no",
        "augmentation": "none",
    },
    "nonfinite-on-one-rank": {**_NAN, **_SEVERAL, "where-nan-began": "one"},
    "not-shuffled": {**_WAVERS, **_REGRESSION, "sample-order": "sorted"},
    "numeric-instability": {**_NAN, "undefined-operations": "unguarded"},
    "optimizer-holds-unsharded-parameters": {
        **_FLAT,
        "hardware": "sharded",
        "slips-of-several-processes": "optimiser-first",
    },
    "optimizer-unsuitable": {**_WAVERS, "optimiser": "rprop"},
    "over-regularization": {**_SLOW, "dropout": "strong"},
    "overfitting": _ONLY_TRAINING,
    "parameters-not-in-optimizer": {
        **_FLAT,
        "slips-in-the-code": "replaced",
        "what-the-optimiser-holds": "replaced",
    },
    "parameters-not-registered": {
        **_SLOW,
        "slips-in-the-code": "plain-list",
        "where-layers-are-kept": "plain-list",
    },
    "preprocessing-fit-on-all-data": {"preprocessing-statistics": "everything"},
    "pretrained-preprocessing-mismatch": {
        **_SLOW,
        "architecture": "pretrained-own-inputs",
    },
    "rank-lost": {**_SEVERAL, "how-the-run-ends": "one-lost"},
    "ranks-read-same-data": {
        **_SLOW,
        **_SEVERAL,
        "slips-of-several-processes": "all-read-everything",
    },
    "repeated-batch": {**_ONLY_TRAINING, "batch-looked-at": "same-batch"},
    "replicas-diverged": {**_WAVERS, **_SEVERAL, "copies-alike": "differ"},
    "saturated-activation": {**_SLOW, "hidden-activations": "squashing", "input-scale": "raw"},
    "single-label-batches": {**_WAVERS, "sample-order": "sorted"},
    "too-few-samples": {**_ONLY_TRAINING, "how-many-samples": "handful"},
    "train-test-distribution-shift": {"result-in-use": "worse", "noise-in-use": "different"},
    "train-val-leakage": {"split": "shared", "result-in-use": None},
    "train-val-preprocessing-mismatch": {
        "what-the-validation-loss-does": "far-above",
        "validation-preprocessing": "own-statistics",
    },
    "uneven-batches-across-ranks": {
        **_SEVERAL,
        "how-the-run-ends": "hangs",
        "slips-of-several-processes": "uneven",
    },
    "unnormalized-input": {**_SLOW, "input-scale": "raw"},
    "unnormalized-target": {
        **_RISES,
        **_REGRESSION,
        "target-scale": "large",
        "first-loss": "far-above",
    },
    "vanishing-gradient": {
        **_FLAT,
        "hidden-activations": "squashing",
        "depth": "deep",
        "gradient-helpers": "no",
        "batch-normalisation": "no",
    },
    "workers-repeat-each-other": {**_ONLY_TRAINING, "loader-workers": "one-generator"},
    "wrong-loss-function": {**_SLOW, "loss-function": "mse"},
    "zero-gradient-operation": {
        **_FLAT,
        "slips-in-the-code": "flat",
        "operations-without-gradient": "flat",
    },
}


def told(knowledge: Knowledge, answers: Answers) -> Questionnaire:
    """Answer every question that applies, in the order of the catalogue."""
    asking = Questionnaire(knowledge)
    while asking.open:
        question = asking.open[0].question
        asking = asking.answer(question, answers[question])
    return asking


def interview(knowledge: Knowledge, answers: Answers, *, until: str | None = None) -> list[str]:
    """Ask what is worth most each time; return the questions asked until a cause is found first."""
    asking = Questionnaire(knowledge)
    asked: list[str] = []
    while question := asking.next():
        asked.append(question.question)
        asking = asking.answer(question.question, answers[question.question])
        findings = diagnose(asking.observations, knowledge).findings if until else ()
        if findings and findings[0].cause == until:
            break
    return asked
