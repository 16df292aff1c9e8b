"""Each treatment heals the fault it is for, and nothing else."""

from __future__ import annotations

import math

import pytest

from expert.observation import Observation
from probes.case.case import Case
from probes.trials.registry import TRIALS, named
from probes.trials.run import run_trials
from probes.trials.trial import TrialResult
from tests.probes.fingerprint import differences, fingerprint
from tests.probes.trials import cases

SUGGESTED = Observation("sweep.suggested_rate", 0.1)
STEPS = 150


def tried(case: Case, *trials: str, base: str = "", steps: int = STEPS) -> list[TrialResult]:
    chosen = [TRIALS[name] for name in trials]
    return run_trials(case, chosen, base=named(base), given=[SUGGESTED], budget_s=120, steps=steps)


@pytest.mark.parametrize(
    ("build", "trial"),
    [
        (cases.rate_ten, "suggested-rate"),
        (cases.rate_tiny, "suggested-rate"),
        (cases.rate_tiny, "adam"),
        (cases.softmax_module, "softmax-removed"),
        (cases.softmax_function, "softmax-removed"),
        (cases.softmax_in_the_step, "softmax-removed"),
        (cases.likelihood_of_logits, "loss-for-logits"),
        (cases.broadcast, "same-shape-targets"),
        (cases.relu_module, "last-activation-removed"),
        (cases.relu_function, "last-activation-removed"),
        (cases.raw_inputs, "standardised-inputs"),
        (cases.raw_targets, "standardised-targets"),
        (cases.missing_values, "finite-inputs"),
        (cases.sorted_by_class, "shuffled"),
        (cases.labels_from_one, "labels-from-zero"),
        (cases.zero_weights, "kaiming-initialisation"),
        (cases.zero_weights, "another-seed"),
        (cases.dead_units, "leaky-relu"),
        (cases.deep_sigmoid, "relu-and-kaiming"),
        (cases.much_dropout, "no-dropout"),
        (cases.much_decay, "no-weight-decay"),
        (cases.frozen, "unfrozen"),
        (cases.not_in_the_optimizer, "all-parameters-in-optimizer"),
        (cases.hidden_layers, "registered-parameters"),
        (cases.wild_momentum, "usual-momentum"),
        (cases.one_output_cross_entropy, "binary-cross-entropy"),
        (cases.squared_error_of_classes, "cross-entropy"),
        (cases.resting_batch_norm, "training-mode"),
        (cases.rare_class, "class-weights"),
        (cases.clipped_to_nothing, "without-clipping"),
        (cases.gradients_kept, "fresh-gradients"),
        (cases.raw_inputs, "normalised-inside"),
        (cases.missing_values, "without-nonfinite-samples"),
        (cases.narrow, "wider"),
        (cases.many_sigmoids, "shallower"),
        (cases.huge_weights, "normalisation-layers"),
        (cases.only_linear, "activations-added"),
        (cases.stepping, "straight-through"),
        (cases.stepping, "smooth-operations"),
        (cases.cut, "graph-kept"),
        (cases.divided, "guarded-operations"),
        (cases.class_number_as_target, "cross-entropy"),
        (cases.sign_lost, "standard-loss"),
        (cases.summed_loss, "mean-loss"),
        (cases.huge_weights, "xavier-initialisation"),
        (cases.huge_weights, "lecun-initialisation"),
        (cases.huge_weights, "unit-size-activations"),
        (cases.dead_units, "elu"),
        (cases.much_dropout, "no-regularisation"),
        (cases.relu_module, "targets-in-range"),
        (cases.rare_class, "balanced-sampling"),
        (cases.never_updated, "optimizer-steps"),
        (cases.summed_up, "accumulation-averaged"),
        (cases.dying_rate, "constant-rate"),
        (cases.one_epoch, "train-longer"),
        (cases.whole_set_at_once, "smaller-batches"),
        (cases.two_to_a_batch, "larger-batches"),
        (cases.by_heart, "early-stopping"),
        (cases.validation_raw, "validation-prepared-alike"),
        (cases.split_in_order, "mixed-split"),
        (cases.perturbed, "without-augmentation"),
        (cases.momentless_norm, "batch-norm-momentum"),
        (cases.always_dropping, "dropout-follows-the-mode"),
    ],
)
def test_the_treatment_heals_its_fault_and_leaves_no_trace(build: cases.Build, trial: str) -> None:
    case = build()
    before = fingerprint(case)
    (result,) = tried(case, trial)
    assert result.cured, result
    assert result.gain > result.noise
    assert differences(before, fingerprint(case)) == []


@pytest.mark.parametrize(
    ("build", "trial"),
    [
        (cases.rate_ten, "shuffled"),
        (cases.rate_tiny, "kaiming-initialisation"),
        (cases.broadcast, "adam"),
        (cases.sorted_by_class, "rate-tenfold"),
        (cases.labels_from_one, "sgd-momentum"),
        (cases.missing_values, "rate-tenth"),
        (cases.healthy, "another-seed"),
        (cases.healthy, "shuffled"),
    ],
)
def test_another_treatment_does_not_help(build: cases.Build, trial: str) -> None:
    (result,) = tried(build(), trial)
    assert result.tried
    assert not result.improved


@pytest.mark.parametrize(
    ("trial", "reason"),
    [
        ("softmax-removed", "no softmax"),
        ("no-dropout", "no dropout"),
        ("unfrozen", "nothing is frozen"),
        ("training-mode", "in training mode"),
        ("registered-parameters", "every layer is registered"),
        ("last-activation-removed", "nothing follows the last layer"),
        ("labels-from-zero", "count from 0"),
        ("without-clipping", "training step is not known"),
        ("loss-for-logits", "calls no nll_loss"),
        ("constant-rate", "no scheduler"),
        ("train-longer", "length of your training is not known"),
        ("smaller-batches", "length of your training is not known"),
        ("straight-through", "no flat operation"),
        ("activations-added", "activations already"),
        ("shallower", "no more than 2 hidden"),
        ("without-augmentation", "no random `transform`"),
        ("batch-norm-momentum", "no batch norm"),
        ("optimizer-steps", "training step is not known"),
    ],
)
def test_a_treatment_that_does_not_fit_says_why(trial: str, reason: str) -> None:
    (result,) = tried(cases.healthy(), trial, steps=8)
    assert not result.tried
    assert result.reason is not None
    assert reason in result.reason.en
    assert result.reason.zh


def test_all_treatments_one_after_another_leave_no_trace() -> None:
    case = cases.healthy()
    before = fingerprint(case)
    results = tried(case, *TRIALS, steps=8)
    assert [result.id for result in results] == list(TRIALS)
    assert differences(before, fingerprint(case)) == []


def test_two_faults_are_healed_by_two_treatments_together() -> None:
    case = cases.softmax_module()
    for group in case.optimizers[0].param_groups:
        group["lr"] = 1e-5
    alone, rate = tried(case, "softmax-removed", "suggested-rate")
    assert not alone.cured
    (both,) = tried(case, "suggested-rate", base="softmax-removed")
    assert both.cured
    assert both.score > max(alone.score, rate.score)


def test_validation_is_judged_after_the_training() -> None:
    (result,) = tried(cases.healthy(), "rate-tenth")
    assert result.val_after is not None
    assert result.val_baseline is not None
    assert result.val_baseline < 0.6 * result.val_after


def test_a_broken_baseline_is_told_and_still_compared() -> None:
    (result,) = tried(cases.missing_values(), "finite-inputs")
    assert result.baseline is not None
    assert math.isnan(result.baseline)
    assert result.cured


def test_runs_end_within_their_steps_and_seconds() -> None:
    case = cases.healthy()
    (result,) = run_trials(case, [TRIALS["rate-tenth"]], budget_s=1e-3)
    assert not result.tried
    (result,) = tried(case, "rate-tenth", steps=30)
    assert result.steps == 30
