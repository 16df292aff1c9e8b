"""Models as their users build them (timm, transformers, torch), each with data it can learn.

Everything is built from a configuration; nothing is downloaded. Healthy cases: a fault is put in by
the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from probes.case.case import Case
from tests import clinic
from tests.probes.small_cases import digits, loader

Made = Callable[[Any], torch.optim.Optimizer]
TEXT = Path(clinic.__file__).with_name("lighthouse.txt")


def adamw(rate: float) -> Made:
    """Return what makes an AdamW of this rate."""
    return lambda parameters: torch.optim.AdamW(parameters, lr=rate)


def images(size: int = 32) -> tuple[Tensor, Tensor]:
    """Return the digits as standardised images (N,1,size,size), and their labels."""
    rows, labels = digits()
    small = (rows.reshape(-1, 1, 8, 8) - rows.mean()) / rows.std()
    return F.interpolate(small, size=(size, size), mode="nearest"), labels


def words(length: int = 24) -> tuple[Tensor, int]:
    """Return pieces of a text as rows of character ids (N,length), and how many there are."""
    text = TEXT.read_text(encoding="utf-8")
    letters = sorted(set(text))
    known = {letter: number for number, letter in enumerate(letters)}
    ids = torch.tensor([known[letter] for letter in text])
    rows = ids[: len(ids) // length * length].reshape(-1, length)
    return rows, len(letters)


def dicts(size: int = 32, **columns: Tensor) -> DataLoader[Any]:
    """Return a shuffled loader of dicts, as Hugging Face's collators make them."""
    count = len(next(iter(columns.values())))
    rows = [{name: column[i] for name, column in columns.items()} for i in range(count)]
    generator = torch.Generator().manual_seed(0)
    return DataLoader(rows, size, shuffle=True, generator=generator)  # type: ignore[arg-type]


def _timm(name: str, rate: float, **options: Any) -> Callable[[], Case]:
    def build() -> Case:
        import timm

        torch.manual_seed(0)
        model = timm.create_model(name, in_chans=1, num_classes=10, **options)
        return classifier(model, loader(*images()), adamw(rate))

    return build


def classifier(model: nn.Module, batches: Any, made: Made, **more: Any) -> Case:
    """Return a case of classification with cross-entropy."""
    more.setdefault("loss_fn", nn.CrossEntropyLoss())
    return Case(model=model, train_loader=batches, optimizer=made(model.parameters()), **more)


def gpt2(rate: float = 1e-3) -> Case:
    """GPT-2 that computes its own loss from labels: no loss function at all."""
    from transformers import GPT2Config, GPT2LMHeadModel

    rows, letters = words()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=letters, n_positions=32, n_embd=32, n_layer=2, n_head=2)
    model = GPT2LMHeadModel(config)
    batches = dicts(input_ids=rows, attention_mask=torch.ones_like(rows), labels=rows)
    return Case(model=model, train_loader=batches, optimizer=adamw(rate)(model.parameters()))


def bert(rate: float = 1e-3) -> Case:
    """BERT with a head for two classes: is the text in its own order, or reversed?"""
    from transformers import BertConfig, BertForSequenceClassification

    rows, letters = words()
    labels = torch.arange(len(rows)) % 2
    rows = torch.where(labels[:, None] == 1, rows.flip(1), rows)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=letters,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    model = BertForSequenceClassification(config)
    batches = dicts(input_ids=rows, attention_mask=torch.ones_like(rows), labels=labels)
    return Case(model=model, train_loader=batches, optimizer=adamw(rate)(model.parameters()))


class Seq2Seq(nn.Module):
    """torch's own encoder and decoder; called with the source and the target so far."""

    def __init__(self, letters: int = 12, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, width)
        self.place = nn.Parameter(0.02 * torch.randn(16, width))
        self.transformer = nn.Transformer(width, 2, 1, 1, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, letters)

    def forward(self, source: Tensor, so_far: Tensor) -> Tensor:
        """Return scores (N,T,letters)."""
        mask = nn.Transformer.generate_square_subsequent_mask(so_far.shape[1])
        source, so_far = (self.embed(x) + self.place[: x.shape[1]] for x in (source, so_far))
        return self.head(self.transformer(source, so_far, tgt_mask=mask))  # type: ignore[no-any-return]


def transformer() -> Case:
    """nn.Transformer that learns to sort letters, in a `step` of its own."""
    torch.manual_seed(0)
    source = torch.randint(1, 12, (1024, 6))
    target = torch.cat([torch.zeros(1024, 1, dtype=torch.long), source.sort(1).values], 1)
    model = Seq2Seq()

    def step(model: nn.Module, batch: Any) -> Tensor:
        source, target = batch
        return F.cross_entropy(model(source, target[:, :-1]).flatten(0, 1), target[:, 1:].flatten())

    return Case(
        model=model,
        train_loader=loader(source, target),
        step=step,
        optimizer=adamw(1e-3)(model.parameters()),
    )


class Recurrent(nn.Module):
    """An LSTM over the rows of an image that gives a tuple: scores, and its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores (N,10) and the state (N,48)."""
        _, (state, _) = self.rnn(x)
        return self.head(state[-1]), state[-1]


def lstm() -> Case:
    """An LSTM with a tuple as output, and a loss that takes its first part."""
    torch.manual_seed(0)
    rows, labels = digits()
    batches = loader(((rows - rows.mean()) / rows.std()).reshape(-1, 8, 8), labels)
    loss = nn.CrossEntropyLoss()
    return classifier(Recurrent(), batches, adamw(3e-3), loss_fn=lambda out, y: loss(out[0], y))


class Tied(nn.Module):
    """A language model whose embedding is its head, too; its output is a dict."""

    def __init__(self, letters: int, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, width)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        """Return {"logits": scores (N,T,letters)}."""
        return {"logits": self.head(self.norm(self.rnn(self.embed(ids))[0]))}


def tied() -> Case:
    """Tied weights and a dict as output."""
    rows, letters = words()
    torch.manual_seed(0)

    def loss(output: dict[str, Tensor], target: Tensor) -> Tensor:
        return F.cross_entropy(output["logits"].flatten(0, 1), target.flatten())

    batches = loader(rows[:, :-1].contiguous(), rows[:, 1:].contiguous())
    return classifier(Tied(letters), batches, adamw(3e-3), loss_fn=loss)


class Gan(nn.Module):
    """A generator and a critic."""

    def __init__(self) -> None:
        super().__init__()
        leak = nn.LeakyReLU(0.2)
        self.generator = nn.Sequential(nn.Linear(16, 64), leak, nn.Linear(64, 64), nn.Tanh())
        self.critic = nn.Sequential(nn.Linear(64, 64), leak, nn.Linear(64, 1))

    def forward(self, noise: Tensor) -> Tensor:
        """Return images (N,64) for noise (N,16)."""
        return self.generator(noise)  # type: ignore[no-any-return]


def gan() -> Case:
    """Two optimizers that take turns within one step."""
    torch.manual_seed(0)
    model = Gan()
    adams = [
        torch.optim.Adam(part.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for part in (model.generator, model.critic)
    ]

    def step(model: Any, batch: Any) -> Tensor:
        (real,) = batch
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = model(torch.randn(len(real), 16))
        adams[1].zero_grad()
        loss = F.binary_cross_entropy_with_logits(model.critic(real), ones)
        loss = loss + F.binary_cross_entropy_with_logits(model.critic(fake.detach()), zeros)
        loss.backward()
        adams[1].step()
        adams[0].zero_grad()
        fooled = F.binary_cross_entropy_with_logits(model.critic(fake), ones)
        fooled.backward()
        adams[0].step()
        return fooled.detach() + loss.detach()

    return Case(model=model, train_loader=loader(2 * digits()[0] - 1), step=step, optimizer=adams)  # type: ignore[arg-type]


class Complex(nn.Module):
    """Complex weights over a Fourier transform; the magnitudes go to a real head."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(64, 64, dtype=torch.complex64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N,10) for rows (N,64)."""
        return self.head(self.inner(torch.fft.fft(x, norm="ortho")).abs())  # type: ignore[no-any-return]


def complex_weights() -> Case:
    """Parameters and gradients that are complex numbers."""
    torch.manual_seed(0)
    rows, labels = digits()
    return classifier(Complex(), loader((rows - rows.mean()) / rows.std(), labels), adamw(1e-3))


def plain(seed: int = 0) -> nn.Sequential:
    """Return a small network for rows of 64."""
    torch.manual_seed(seed)
    sizes = (64, 64, 64, 10)
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def bfloat16() -> Case:
    """All parameters, inputs and gradients in bfloat16."""
    rows, labels = digits()
    batches = loader(((rows - rows.mean()) / rows.std()).bfloat16(), labels)
    return classifier(plain().bfloat16(), batches, adamw(1e-3))


def compiled() -> Case:
    """A model behind torch.compile."""
    rows, labels = digits()
    batches = loader((rows - rows.mean()) / rows.std(), labels)
    model = torch.compile(plain(), backend="eager")
    return classifier(model, batches, adamw(1e-3))  # type: ignore[arg-type]


HEALTHY: dict[str, Callable[[], Case]] = {
    "timm resnet": _timm("test_resnet", 1e-3),
    "timm vit": _timm("test_vit", 1e-3, img_size=32, patch_size=8),
    "timm efficientnet": _timm("test_efficientnet", 2e-3),
    "transformers gpt2": gpt2,
    "transformers bert": bert,
    "nn.Transformer": transformer,
    "lstm": lstm,
    "tied weights": tied,
    "gan": gan,
    "complex": complex_weights,
    "bfloat16": bfloat16,
    "compiled": compiled,
}
