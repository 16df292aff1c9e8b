"""The register of the clinic: every patient with the cause that is to be found."""

from __future__ import annotations

from dataclasses import replace

from expert.errors import UsageError

from . import (
    attributes,
    autoencoder,
    axes,
    batch_norms,
    breast_cancer,
    budgets,
    diabetes,
    digits_cnn,
    digits_deep,
    digits_mlp,
    divided,
    finetuning,
    hand_written,
    loops,
    mislabelled,
    pairs,
    recurrent,
    rows,
    seasons,
    terms,
    transformer,
    wine,
)
from .patient import Build, Patient, Score, ward
from .training import (
    accuracy,
    balanced_from_logits,
    balanced_from_probabilities,
    character_accuracy,
    explained,
    nearest_class,
)
from .wards import (
    bases,
    ill_data,
    ill_networks,
    ill_practice,
    no_faults,
    other_aims,
    two_faults,
    unseen,
)

_DIGITS_MLP = ward(
    "digits-mlp",
    accuracy,
    (digits_mlp.healthy,),
    (digits_mlp.learning_rate_ten, "learning-rate-too-high"),
    (digits_mlp.learning_rate_tiny, "learning-rate-too-low"),
    (digits_mlp.zero_weights, "bad-init"),
    (digits_mlp.constant_weights, "bad-init"),
    (digits_mlp.pixels_times_thousand, "unnormalized-input"),
    (digits_mlp.one_hidden_unit, "capacity-too-small"),
    (digits_mlp.frozen_weights, "frozen-parameters"),
    (digits_mlp.all_frozen, "frozen-parameters"),
    (digits_mlp.optimizer_of_another_model, "parameters-not-in-optimizer"),
    (digits_mlp.rounded_activations, "zero-gradient-operation"),
    (digits_mlp.dead_units, "dead-relu", "bad-init"),
    (digits_mlp.saturated_tanh, "saturated-activation", "bad-init"),
    (digits_mlp.dropout_nearly_all, "over-regularization"),
    (digits_mlp.weight_decay_huge, "over-regularization"),
    (digits_mlp.nll_on_logits, "loss-input-mismatch"),
    (digits_mlp.session_by_session, "not-shuffled", "single-label-batches"),
    (digits_mlp.momentum_nearly_one, "momentum-wrong", "learning-rate-too-high"),
    (digits_mlp.shuffled_inputs, "labels-misaligned-with-inputs", "label-noise"),
)
_DIGITS_NUMBER = ward(
    "digits-mlp", nearest_class, (digits_mlp.class_number_as_target, "wrong-loss-function")
)
_DIGITS_DEEP = ward(
    "digits-deep",
    accuracy,
    (digits_deep.healthy,),
    (digits_deep.eval_mode, "eval-mode-wrong"),
    (digits_deep.standard_normal_weights, "bad-init"),
    (digits_deep.deep_sigmoid, "vanishing-gradient"),
    (digits_deep.summed_states, "exploding-gradient"),
)
_DIGITS_CNN = ward(
    "digits-cnn",
    accuracy,
    (digits_cnn.healthy,),
    (digits_cnn.healthy_log_softmax,),
    (digits_cnn.healthy_batch_norm,),
    (digits_cnn.double_softmax, "double-softmax"),
    (digits_cnn.adam_learning_rate_one, "learning-rate-too-high"),
    (digits_cnn.learning_rate_tiny, "learning-rate-too-low"),
    (digits_cnn.sorted_by_class, "single-label-batches", "not-shuffled"),
    (digits_cnn.integer_division, "constant-or-zero-input"),
    (digits_cnn.always_the_first_image, "constant-or-zero-input"),
    (digits_cnn.one_batch_again_and_again, "repeated-batch"),
    (digits_cnn.loss_without_graph, "graph-detached"),
    (digits_cnn.sign_lost_in_the_loss, "custom-loss-bug"),
    (digits_cnn.division_by_zero_deviation, "numeric-instability", "custom-layer-bug"),
)
_BREAST_CANCER = ward(
    "breast-cancer",
    balanced_from_logits,
    (breast_cancer.healthy,),
    (breast_cancer.healthy_weighted,),
    (breast_cancer.raw_features, "unnormalized-input"),
    (breast_cancer.missing_values, "nan-or-inf-in-input"),
    (breast_cancer.logarithm_of_zero, "nan-or-inf-in-input"),
    (breast_cancer.cross_entropy_of_one_output, "wrong-loss-function", "loss-input-mismatch"),
    (breast_cancer.labels_minus_one_and_one, "labels-wrong-encoding"),
    (breast_cancer.labels_one_and_two, "labels-wrong-encoding"),
    (breast_cancer.five_ill_among_many, "class-imbalance"),
    (breast_cancer.step_activation, "zero-gradient-operation", "graph-detached"),
)
_BREAST_CANCER_SIGMOID = ward(
    "breast-cancer",
    balanced_from_probabilities,
    (breast_cancer.healthy_sigmoid,),
    (breast_cancer.sigmoid_twice, "loss-input-mismatch"),
)
_DIABETES = ward(
    "diabetes",
    explained,
    (diabetes.healthy,),
    (diabetes.healthy_huber,),
    (diabetes.relu_output, "last-activation-wrong"),
    (diabetes.sigmoid_output, "last-activation-wrong"),
    (diabetes.target_times_hundred, "unnormalized-target"),
    (diabetes.raw_target, "unnormalized-target"),
    (diabetes.broadcast_in_mse, "loss-broadcast-mistake"),
    (diabetes.broadcast_by_hand, "loss-broadcast-mistake"),
)
_WINE = ward(
    "wine",
    accuracy,
    (wine.healthy,),
    (wine.raw_features, "unnormalized-input"),
)
_RECURRENT = ward(
    "characters-rnn",
    accuracy,
    (recurrent.healthy,),
    (recurrent.learning_rate_huge, "learning-rate-too-high"),
    (recurrent.learning_rate_tiny, "learning-rate-too-low"),
    (recurrent.two_hidden_units, "capacity-too-small"),
    (recurrent.exploding_states, "exploding-gradient", "bad-init"),
    (recurrent.detached_states, "graph-detached"),
    (recurrent.decoder_alone_in_optimizer, "parameters-not-in-optimizer"),
)
_ROWS = ward("digits-rnn", accuracy, (rows.healthy,))
_TRANSFORMER = ward(
    "characters-transformer",
    character_accuracy,
    (transformer.healthy,),
    (transformer.healthy_tied,),
    (transformer.blocks_in_a_list, "parameters-not-registered"),
    (transformer.learning_rate_large, "learning-rate-too-high"),
    (transformer.softmax_in_forward, "double-softmax"),
    (transformer.weight_decay_of_fifty, "over-regularization"),
)
_AUTOENCODER = ward(
    "digits-autoencoder",
    explained,
    (autoencoder.healthy,),
    (autoencoder.sigmoid_on_standardised, "last-activation-wrong"),
    (autoencoder.relu_on_standardised, "last-activation-wrong"),
    (autoencoder.code_of_one, "capacity-too-small"),
    (autoencoder.rounded_code, "zero-gradient-operation"),
)
_PAIRS = ward(
    "digit-pairs",
    balanced_from_logits,
    (pairs.healthy,),
    (pairs.healthy_residual,),
    (pairs.no_activations, "missing-nonlinearity"),
    (pairs.layers_in_a_list, "parameters-not-registered"),
    (pairs.untrained_and_frozen, "frozen-parameters"),
    (pairs.weights_lost_from_the_groups, "parameters-not-in-optimizer"),
)
_FINETUNING = ward(
    "fine-tuning",
    accuracy,
    (finetuning.healthy,),
    (finetuning.head_replaced_after_optimizer, "parameters-not-in-optimizer"),
)
_ATTRIBUTES = ward(
    "digit-attributes",
    balanced_from_logits,
    (attributes.healthy,),
    (attributes.cross_entropy_of_many_labels, "wrong-loss-function"),
)
_ATTRIBUTES_SOFTMAX = ward(
    "digit-attributes",
    balanced_from_probabilities,
    (attributes.softmax_over_labels, "last-activation-wrong", "wrong-loss-function"),
)
_LOOPS = (
    *ward(
        "digits-mlp",
        accuracy,
        (loops.healthy_own_step,),
        (loops.healthy_accumulation,),
        (loops.healthy_clipping_often,),
        (loops.healthy_one_cycle,),
        (loops.never_zeroed, "missing-zero-grad"),
        (loops.never_updated, "missing-optimizer-step"),
        (loops.clipped_to_nothing, "gradient-clipping-too-tight"),
        (loops.clipping_hides_the_rate, "gradient-clipping-masks", "learning-rate-too-high"),
        (loops.accumulated_without_dividing, "gradient-accumulation-wrong"),
        (loops.half_precision_overflows, "amp-overflow"),
        (loops.rate_dies_per_epoch, "lr-schedule-wrong"),
    ),
    *ward(
        "diabetes",
        explained,
        (loops.healthy_zeroed_last,),
        (loops.healthy_cosine,),
        (loops.never_zeroed_regression, "missing-zero-grad"),
        (loops.never_updated_regression, "missing-optimizer-step"),
        (loops.clipped_by_value, "gradient-clipping-too-tight"),
        (
            loops.clipping_hides_the_rate_regression,
            "gradient-clipping-masks",
            "learning-rate-too-high",
        ),
        (loops.accumulated_without_dividing_regression, "gradient-accumulation-wrong"),
        (loops.half_precision_overflows_regression, "amp-overflow"),
        (loops.warm_up_without_end, "lr-schedule-wrong"),
    ),
    *ward(
        "characters-rnn",
        accuracy,
        (loops.healthy_clipping,),
        (loops.never_zeroed_recurrent, "missing-zero-grad"),
        (loops.clipped_recurrent, "gradient-clipping-too-tight"),
        (loops.decayed_per_batch, "lr-schedule-wrong"),
    ),
    *ward(
        "wine",
        accuracy,
        (loops.never_updated_wine, "missing-optimizer-step"),
        (loops.clipping_hides_the_rate_wine, "gradient-clipping-masks", "learning-rate-too-high"),
        (loops.zeroed_while_accumulating, "gradient-accumulation-wrong"),
    ),
    *ward(
        "breast-cancer",
        balanced_from_logits,
        (loops.healthy_mixed_precision,),
        (loops.clipped_while_scaled, "gradient-clipping-too-tight"),
    ),
)
_BUDGETS = (
    *ward(
        "digits-mlp",
        accuracy,
        (budgets.healthy_large_batch,),
        (budgets.healthy_small_batch,),
        (budgets.whole_set_as_batch, "batch-too-large", "insufficient-training"),
        (budgets.batch_norm_over_two, "batch-too-small", "batchnorm-misuse"),
        (budgets.one_epoch_of_digits, "insufficient-training"),
        (budgets.rprop_on_batches, "optimizer-unsuitable"),
    ),
    *ward(
        "diabetes",
        explained,
        (budgets.whole_set_as_batch_regression, "batch-too-large", "insufficient-training"),
        (budgets.batch_of_one, "batch-too-small", "learning-rate-too-high"),
        (budgets.sixty_patients, "overfitting", "no-regularization"),
    ),
    *ward(
        "characters-rnn",
        accuracy,
        (budgets.four_hundred_windows, "overfitting", "no-regularization"),
    ),
    *ward("wine", accuracy, (budgets.one_epoch, "insufficient-training")),
    *ward(
        "digits-autoencoder",
        explained,
        (budgets.two_epochs_of_autoencoding, "insufficient-training"),
    ),
    *ward(
        "breast-cancer",
        balanced_from_logits,
        (budgets.wide_and_noisy, "overfitting", "no-regularization", "label-noise"),
    ),
)


def _from_data(
    base: str, score: Score, *entries: tuple[Build, *tuple[str, ...]]
) -> tuple[Patient, ...]:
    """Return patients of `base` whose functions carry its name: `digits_mlp_thirty_images`."""
    prefix = f"{base}/{base}-"
    found = ward(base, score, *entries)
    return tuple(
        replace(
            p,
            id=f"{base}/{p.id.removeprefix(prefix)}",
            well=f"{base}/{p.well.removeprefix(prefix)}" if p.cause is None else p.well,
        )
        for p in found
    )


_MISALIGNED = ("labels-misaligned-with-inputs", "irrelevant-features")
_MEANINGLESS = ("irrelevant-features", "labels-misaligned-with-inputs")
_MISMATCH, _SHIFT = "train-val-preprocessing-mismatch", "train-test-distribution-shift"
_LEAK, _ON_ALL = "train-val-leakage", "preprocessing-fit-on-all-data"
_DATA = (
    *_from_data(
        "digits-mlp",
        accuracy,
        (mislabelled.digits_mlp_every_third_label_wrong, "label-noise"),
        (mislabelled.digits_mlp_meaningless_columns, *_MEANINGLESS),
        (divided.digits_mlp_validation_left_raw, _MISMATCH),
        (divided.digits_mlp_seven_digits, _SHIFT),
        (divided.digits_mlp_validation_inside_training, _LEAK),
        (divided.digits_mlp_thirty_images, "too-few-samples", "overfitting"),
        (divided.digits_mlp_healthy_three_hundred,),
    ),
    *_from_data(
        "digits-cnn",
        accuracy,
        (mislabelled.digits_cnn_labels_sorted, *_MISALIGNED),
        (mislabelled.digits_cnn_every_fifth_label_wrong, "label-noise"),
        (divided.digits_cnn_validation_in_bytes, _MISMATCH),
        (divided.digits_cnn_test_from_another_scanner, _SHIFT, _MISMATCH),
        (divided.digits_cnn_forty_images, "too-few-samples", "overfitting"),
        (divided.digits_cnn_augmented_beyond_recognition, "excessive-augmentation"),
        (divided.digits_cnn_noise_as_augmentation, "excessive-augmentation"),
        (divided.digits_cnn_healthy_augmented,),
        (divided.digits_cnn_healthy_with_test,),
    ),
    *_from_data(
        "breast-cancer",
        balanced_from_logits,
        (mislabelled.breast_cancer_labels_of_another_file, *_MISALIGNED),
        (mislabelled.breast_cancer_every_fifth_label_wrong, "label-noise"),
        (mislabelled.breast_cancer_meaningless_columns, *_MEANINGLESS),
        (divided.breast_cancer_validation_scaled_by_itself, _MISMATCH),
        (divided.breast_cancer_split_by_size, _SHIFT),
        (divided.breast_cancer_a_third_seen_before, _LEAK),
        (divided.breast_cancer_scaled_on_everything, _ON_ALL),
        (divided.breast_cancer_healthy_drifting,),
    ),
    *_from_data(
        "diabetes",
        explained,
        (mislabelled.diabetes_target_of_another_order, *_MISALIGNED),
        (mislabelled.diabetes_meaningless_columns, *_MEANINGLESS),
        (divided.diabetes_validation_left_raw, _MISMATCH),
        (divided.diabetes_split_by_target, _SHIFT),
        (divided.diabetes_scaled_on_everything, _ON_ALL),
    ),
    *_from_data(
        "wine",
        accuracy,
        (mislabelled.wine_every_fourth_label_wrong, "label-noise"),
        (divided.wine_sorted_file, _SHIFT),
        (divided.wine_repeated_before_the_split, _LEAK),
        (divided.wine_ranges_of_everything, _ON_ALL),
        (divided.wine_healthy_ranges,),
    ),
    *ward(
        "seasons",
        explained,
        (seasons.healthy,),
        (seasons.healthy_few_values,),
        (seasons.shop_numbers, "input-not-preprocessed"),
        (seasons.season_in_degrees, "input-not-preprocessed", "unnormalized-input"),
        (seasons.shops_and_season, "input-not-preprocessed", "unnormalized-input"),
    ),
)

_OWN_LAYERS = (
    *ward(
        "digits-mlp",
        accuracy,
        (axes.softmax_over_the_batch, "dimension-mistake"),
        (hand_written.healthy_hand_written,),
        (hand_written.healthy_straight_through,),
        (hand_written.rectifier_sides_exchanged, "custom-layer-bug"),
        (batch_norms.batches_of_two, "batchnorm-misuse", "batch-too-small"),
        (batch_norms.dropout_in_evaluation_mlp, "dropout-always-on"),
        (terms.healthy_auxiliary,),
        (terms.healthy_small_penalty,),
        (terms.reconstruction_drowns_the_labels, "loss-terms-unbalanced"),
        (terms.accuracy_that_broadcasts, "metric-wrong"),
    ),
    *ward("digits-mlp", axes.neighbours_agree, (axes.healthy_contrastive,)),
    *ward(
        "digits-cnn",
        accuracy,
        (axes.channels_reshaped, "dimension-mistake"),
        (batch_norms.healthy_untracked,),
        (batch_norms.momentum_zero, "batchnorm-misuse"),
        (batch_norms.dropout_in_evaluation, "dropout-always-on"),
    ),
    *ward(
        "digits-deep",
        accuracy,
        (batch_norms.batches_of_two_in_a_deep_network, "batchnorm-misuse", "batch-too-small"),
    ),
    *ward("digits-rnn", accuracy, (axes.batch_first_forgotten, "dimension-mistake")),
    *ward(
        "characters-transformer",
        character_accuracy,
        (axes.flattened_in_another_order, "dimension-mistake"),
    ),
    *ward(
        "breast-cancer",
        balanced_from_logits,
        (hand_written.layer_of_the_wrong_sign, "custom-layer-bug"),
        (terms.penalty_drowns_the_labels, "loss-terms-unbalanced", "over-regularization"),
    ),
    *ward(
        "diabetes",
        explained,
        (hand_written.error_of_the_wrong_sign, "custom-layer-bug", "custom-loss-bug"),
        (batch_norms.one_sample_left_over, "batchnorm-misuse"),
        (terms.penalty_drowns_the_error, "loss-terms-unbalanced", "over-regularization"),
        (terms.error_that_broadcasts, "metric-wrong"),
    ),
)

PATIENTS: tuple[Patient, ...] = (
    *_DIGITS_MLP, *_DIGITS_NUMBER, *_DIGITS_DEEP, *_DIGITS_CNN,
    *_BREAST_CANCER, *_BREAST_CANCER_SIGMOID, *_DIABETES, *_WINE,
    *_RECURRENT, *_ROWS, *_TRANSFORMER, *_AUTOENCODER,
    *_PAIRS, *_FINETUNING, *_ATTRIBUTES, *_ATTRIBUTES_SOFTMAX,
    *_LOOPS, *_BUDGETS,
    *_DATA,
    *_OWN_LAYERS,
    *bases.PATIENTS,
    *ill_data.PATIENTS,
    *ill_networks.PATIENTS,
    *ill_practice.PATIENTS,
    *two_faults.PATIENTS,
    *no_faults.PATIENTS,
    *unseen.PATIENTS,
    *other_aims.PATIENTS,
)  # fmt: skip


def patient_called(id_: str) -> Patient:
    """Return the patient with this id. Raises UsageError for an unknown one."""
    for patient in PATIENTS:
        if patient.id == id_:
            return patient
    raise UsageError(en=f"There is no patient {id_}.", zh=f"没有名为 {id_} 的病例。")
