"""What the loader of the training shows: order, labels within batches, the same batch again."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Final

import torch

from expert.observation import Observation
from probes.labels import random_order
from probes.quantities.label_spread import spread, when_shuffled
from probes.watching.loading import Loader
from probes.watching.settings import ORIGIN
from probes.watching.watcher import Watcher

_MOST_KINDS: Final = 1000
_LEAST_PAIRS: Final = 3


def loader_facts(watcher: Watcher) -> Iterator[Observation]:
    """Give facts about the loader that gave most of the batches trained on."""
    trained = [loader for loader in watcher.loading.seen.values() if loader.trained]
    if not trained:
        return
    loader = max(trained, key=lambda loader: loader.trained)
    if loader.pairs >= _LEAST_PAIRS:
        yield Observation("input.repeated_batch", 2 * loader.equal > loader.pairs, (), ORIGIN)
        share = loader.equal / loader.pairs
        yield Observation("input.repeated_batch_share", share, (), ORIGIN)
    stand_in = SimpleNamespace(batch_sampler=loader.sampler, sampler=loader.sampler)
    shuffles = random_order(stand_in)
    if shuffles is not None:
        yield Observation("loader.shuffles", shuffles, (), ORIGIN)
    if watcher.losses.functions.keys() & _OF_CLASSES:
        yield from _mixing(loader)


_OF_CLASSES: Final = frozenset(
    {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)


def _mixing(loader: Loader) -> Iterator[Observation]:
    labels = [part for part in loader.labels if part.numel() > 1]
    sizes = [part.numel() for part in labels]
    if len(labels) < 2:
        return
    drawn = torch.cat(labels).long()
    if int(torch.unique(drawn).numel()) > min(_MOST_KINDS, drawn.numel() // 2):
        return
    observed, single = spread(drawn, sizes)
    expected, expected_single = when_shuffled(drawn, sizes)
    facts = {
        "target.single_label_batch_share": single,
        "target.single_label_batch_expected": expected_single,
    }
    if expected > 0:
        facts["target.batch_mixing"] = observed / expected
    for name, value in facts.items():
        yield Observation(name, value, (), ORIGIN)
