"""Patients without a fault that a hasty examiner would find one in."""

from __future__ import annotations

from .. import odd_but_right as odd
from ..patient import Patient, ward
from ..training import accuracy, balanced_from_logits, explained

PATIENTS: tuple[Patient, ...] = (
    *ward("spirals", accuracy, (odd.slow_spirals,)),
    *ward(
        "digits-mlp",
        accuracy,
        (odd.slow_digits,),
        (odd.summed_loss,),
        (odd.self_normalising,),
        (odd.unshuffled_but_mixed,),
        (odd.noise_in_two_workers,),
    ),
    *ward("digits-mlp", None, (odd.one_hot_targets,), (odd.one_hot_squared,)),
    *ward("digits-cnn", accuracy, (odd.label_smoothing,)),
    *ward("wine", accuracy, (odd.forty_bottles,)),
    *ward("breast-cancer", balanced_from_logits, (odd.sixty_tumours,), (odd.balanced_by_sampling,)),
    *ward("diabetes", explained, (odd.share_as_target,)),
    *ward("noise", explained, (odd.half_noise_regression,)),
    *ward("noise", accuracy, (odd.overlapping_classes,)),
    *ward("parity", accuracy, (odd.parity_of_three,)),
)
