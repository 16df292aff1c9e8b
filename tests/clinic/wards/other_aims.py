"""Patients and controls of the bases with other aims; `ratings` is held out."""

from __future__ import annotations

from .. import other_aims as aims
from ..patient import Build, Patient


def _of(base: str, name: str, build: Build, *causes: str) -> Patient:
    cause, also = (causes[0], tuple(causes[1:])) if causes else (None, ())
    return Patient(f"{base}/{name}", cause, build, also, score=None, well=f"{base}/healthy")


PATIENTS: tuple[Patient, ...] = (
    _of("transitions", "healthy", aims.transitions),
    _of("transitions", "rate-of-five", aims.transitions_rate_of_five, "learning-rate-too-high"),
    _of("transitions", "without-graph", aims.transitions_without_graph, "graph-detached"),
    _of("mixture", "healthy", aims.mixture),
    _of("transcripts", "healthy", aims.transcripts),
    _of("transcripts", "raw-scores", aims.transcripts_of_raw_scores, "loss-input-mismatch"),
    _of("plain-images", "healthy", aims.plain_images),
    _of(
        "plain-images",
        "in-bytes",
        aims.plain_images_in_bytes,
        "unnormalized-input",
        "learning-rate-too-high",
    ),
    _of("plain-images", "lion", aims.lion),
    _of("whole-batches", "healthy", aims.whole_batches),
    _of("ratings", "healthy", aims.ratings),
    _of("ratings", "through-a-sigmoid", aims.ratings_through_a_sigmoid, "last-activation-wrong"),
    _of("ratings", "tiny-rate", aims.ratings_at_a_tiny_rate, "learning-rate-too-low"),
)
