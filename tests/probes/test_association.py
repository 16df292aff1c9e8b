"""Cheap models see a relation where there is one, tell noise from difficulty, and name codes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from probes import Case, association, held_out, labels
from probes.case.batches import take_apart
from probes.quantities.cheap_models import associate, smoothers
from probes.quantities.codes import codes
from probes.quantities.label_noise import estimate
from probes.quantities.tables import Scaling, bags_of
from probes.running.examination import Examination
from tests.probes.small_cases import adam, case, diabetes, digits, loader, mlp, seen, sgd, tumours


def facts(x: Tensor, y: Tensor, outputs: int, **more):
    loss = nn.CrossEntropyLoss() if y.dim() == 1 else nn.MSELoss()
    given = case(mlp(x.shape[1], 32, outputs), loader(x, y), loss, adam(1e-3), **more)
    return seen(given, labels.PROBE, association.PROBE)


def shuffled(values: Tensor) -> Tensor:
    return values[torch.randperm(len(values), generator=torch.Generator().manual_seed(3))]


def wrong(labels: Tensor, share: float, classes: int) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    flip = torch.rand(len(labels), generator=generator) < share
    other = torch.randint(1, classes, labels.shape, generator=generator)
    return torch.where(flip, (labels + other) % classes, labels)


def test_digits_tell_their_labels_and_shuffled_ones_do_not():
    x, y = digits()
    with_them, without = facts(x, y, 10), facts(x, shuffled(y), 10)
    assert with_them["association.gain"] > 0.8
    assert with_them["association.p_value"] == pytest.approx(0.01)
    assert with_them["association.score"] > 0.9 > 0.3 > with_them["association.trivial"]
    assert with_them["association.neighbour_agreement"] > 5
    assert without["association.gain"] < 0.02
    assert without["association.p_value"] > 0.05
    assert "label_noise.share" not in without


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.EmbeddingBag(40, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.embed(ids))


def sentences(samples: int = 400) -> tuple[Tensor, Tensor]:
    """Sequences of tokens; those of the first class draw half of theirs from eight words."""
    generator = torch.Generator().manual_seed(7)
    y = torch.randint(0, 2, (samples,), generator=generator)
    ids = torch.randint(1, 40, (samples, 12), generator=generator)
    own = torch.randint(1, 9, (samples, 12), generator=generator)
    pick = (torch.rand(samples, 12, generator=generator) < 0.5) & (y[:, None] == 0)
    return torch.where(pick, own, ids), y


def of_words(ids: Tensor, y: Tensor) -> Case:
    return case(Reader(), loader(ids, y), nn.CrossEntropyLoss(), adam(1e-3))


def test_words_tell_their_labels_and_shuffled_ones_do_not():
    ids, y = sentences()
    found = [
        seen(of_words(ids, given), labels.PROBE, association.PROBE) for given in (y, shuffled(y))
    ]
    assert found[0]["association.gain"] > 0.2
    assert found[0]["association.p_value"] == pytest.approx(0.01)
    assert found[1]["association.gain"] < 0.02
    assert found[1]["association.p_value"] > 0.05


def test_words_are_counted_also_where_sequences_are_padded_to_different_lengths():
    ids, y = sentences(64)
    padded = [take_apart((ids[:32, :6], y[:32])), take_apart((ids[32:], y[32:]))]
    counts = bags_of(padded).expm1().round()
    assert counts.shape[0] == 64
    assert counts[:32].sum(1).tolist() == [6.0] * 32
    assert counts[32:].sum(1).tolist() == [12.0] * 32


def test_a_regression_is_explained_in_part():
    x, y = diabetes()
    assert 0.35 < facts(x, y, 1)["association.gain"] < 0.65
    assert facts(x, shuffled(y), 1)["association.gain"] < 0.02


def test_neighbours_see_what_no_linear_model_can():
    x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)).double()
    y = F.one_hot((x[:, 0] * x[:, 1] > 0).long()).double()
    assert associate(smoothers(x), y).gain > 0.6


@pytest.mark.parametrize("share", [0.1, 0.2, 0.35])
def test_wrong_labels_are_counted(share):
    x, y = digits()
    found = facts(x, wrong(y, share, 10), 10)
    assert found["label_noise.share"] == pytest.approx(share, abs=0.06)
    assert found["label_noise.evenness"] > 0.62
    assert found["label_noise.consistency"] > 0.5


def test_the_listed_suspects_are_mostly_wrong_indeed():
    x, y = digits()
    noisy = wrong(y, 0.1, 10)
    batches = [(x[i : i + 32], noisy[i : i + 32]) for i in range(0, 992, 32)]
    given = case(mlp(64, 32, 10), batches, nn.CrossEntropyLoss(), adam(1e-3))
    exam_places = [
        name.removeprefix("batch ").split(":")[0].split(", sample ")
        for name in _where(given, "label_noise.suspicious")
    ]
    rows = [int(batch) * 32 + int(row) for batch, row in exam_places]
    assert float((noisy[rows] != y[rows]).double().mean()) > 0.8


def _where(given, name):
    exam = Examination(given)
    return next(o.where for o in association.PROBE.measure(exam) if o.name == name)


def test_overlapping_classes_are_difficult_and_not_wrong():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(800, 2, generator=generator).double()
    y = F.one_hot((x[:, 0] + 0.8 * torch.randn(800, generator=generator) > 0).long()).double()
    relation = associate(smoothers(Scaling.of(x)(x)), y)
    noise = estimate(relation.predicted, y, relation.gain)
    assert noise is not None
    assert noise.evenness < 0.5


def test_copies_with_other_labels_contradict():
    x, y = digits()
    twice, labels_ = torch.cat([x[:200], x[:100]]), torch.cat([y[:200], (y[:100] + 1) % 10])
    found = facts(twice, labels_, 10)
    assert found["association.contradicting_share"] == pytest.approx(200 / 300)
    assert facts(x, y, 10)["association.contradicting_share"] == 0


def test_categories_and_angles_are_told_from_quantities():
    generator = torch.Generator().manual_seed(0)
    shop = torch.randint(12, (600,), generator=generator).double()
    angle = torch.rand(600, generator=generator).double() * 2 * math.pi
    angle[:2] = torch.tensor([0.0, 2 * math.pi])
    rooms = torch.randint(1, 9, (600,), generator=generator).double()
    per_shop = torch.randn(12, generator=generator).double()
    y = per_shop[shop.long()] + angle.cos() + 0.3 * rooms
    found = codes(torch.stack([shop, angle, rooms], 1), y[:, None])
    assert found.coded == (0,)
    assert found.angles == (1,)


def test_learning_by_heart_is_told_from_learning():
    x, y = tumours()
    x, y = (x - x.mean(0)) / x.std(0), y[:, 0].long()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    given = case(mlp(30, 64, 2), loader(noise, y), nn.CrossEntropyLoss(), adam(1e-3))
    found = seen(given, labels.PROBE, association.PROBE, held_out.PROBE)
    assert found["held_out.learnt_over_chance"] < 0.85
    assert found["held_out.others_over_chance"] > 0.97
    given = case(mlp(30, 64, 2), loader(x, y), nn.CrossEntropyLoss(), adam(1e-3))
    told = seen(given, labels.PROBE, association.PROBE, held_out.PROBE)
    assert "held_out.others_over_chance" not in told  # cheap models saw enough


def test_of_tokens_neither_noise_nor_codes_are_told():
    ids, y = sentences()
    found = seen(of_words(ids, wrong(y, 0.2, 2)), labels.PROBE, association.PROBE)
    assert "association.gain" in found
    assert not [name for name in found if name.startswith(("label_noise.", "input."))]


def test_autoencoders_are_left_alone():
    x, _ = digits()
    given = case(mlp(64, 16, 64), loader(x, x), nn.MSELoss(), adam(1e-3))
    assert seen(given, association.PROBE) == {}


class _LooksUp(nn.Module):
    """Takes the first column as the number of a shop, for an embedding or as it is."""

    def __init__(self, embeds: bool) -> None:
        super().__init__()
        self.embeds = embeds
        self.shop, self.rest = nn.Embedding(12, 4), nn.Linear(4 + 2 if embeds else 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.embeds:
            return self.rest(x)
        return self.rest(torch.cat([self.shop(x[:, 0].long()), x[:, 1:]], dim=1))


@pytest.mark.parametrize("embeds", [True, False])
def test_a_code_that_is_looked_up_in_an_embedding_is_no_number_to_the_network(embeds):
    torch.manual_seed(0)
    shop = torch.randint(0, 12, (900,))
    x = torch.cat([shop[:, None].float(), torch.randn(900, 2)], dim=1)
    y = torch.randint(0, 3, (12,))[shop]
    found = seen(
        case(_LooksUp(embeds), loader(x, y), nn.CrossEntropyLoss(), sgd(0.1)), association.PROBE
    )
    assert ("input.coded_feature" in found) is not embeds
    assert found["association.gain"] > 0.8  # told by the names, whoever reads them
    assert found["label_noise.share"] < 0.05
