"""A small causal transformer on characters, with dictionary batches and a step of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from .data import CaseDict, alphabet, characters

LENGTH = 32
WIDTH = 48


class Windows(Dataset[dict[str, Tensor]]):
    """Windows of characters as dictionaries of `input_ids` and `labels`."""

    def __init__(self, ids: Tensor, labels: Tensor) -> None:
        self.ids, self.labels = ids, labels

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"input_ids": self.ids[index], "labels": self.labels[index]}


class Transformer(nn.Module):
    """Embeddings, encoder layers with a causal mask, decoder; ids (N, T) to logits (N, T, V)."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.token = nn.Embedding(len(alphabet()), WIDTH)
        self.position = nn.Parameter(torch.randn(LENGTH, WIDTH) * 0.02)
        self.blocks = self.make_blocks(dropout)
        self.norm = nn.LayerNorm(WIDTH)
        self.decoder = nn.Linear(WIDTH, len(alphabet()))

    def make_blocks(self, dropout: float) -> nn.ModuleList | list[nn.Module]:
        """Return the two encoder layers."""
        return nn.ModuleList(_block(dropout) for _ in range(2))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token(ids) + self.position
        mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)
        for block in self.blocks:
            x = block(x, src_mask=mask, is_causal=True)
        logits: Tensor = self.decoder(self.norm(x))
        return logits


class TiedTransformer(Transformer):
    """Uses the embedding as the decoder's weight too, as language models do."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.normal_(self.token.weight, std=0.1)
        self.decoder.weight = self.token.weight


class ListOfBlocks(Transformer):
    """Keeps its blocks in a Python list, where `parameters()` does not find them."""

    def make_blocks(self, dropout: float) -> list[nn.Module]:
        return [_block(dropout) for _ in range(2)]


class SoftmaxTransformer(Transformer):
    """Returns probabilities."""

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids).softmax(dim=-1)


def healthy(seed: int) -> CaseDict:
    """Pre-norm encoder layers, AdamW, dictionary batches, a step."""
    torch.manual_seed(seed)
    return _case(Transformer(), characters_loaders(seed))


def healthy_tied(seed: int) -> CaseDict:
    """Embedding and decoder share one weight."""
    torch.manual_seed(seed)
    return _case(TiedTransformer(), characters_loaders(seed))


def blocks_in_a_list(seed: int) -> CaseDict:
    """The attention blocks are in a Python list and never learn."""
    torch.manual_seed(seed)
    return _case(ListOfBlocks(), characters_loaders(seed))


def learning_rate_large(seed: int) -> CaseDict:
    """AdamW at 0.5."""
    torch.manual_seed(seed)
    return _case(Transformer(), characters_loaders(seed), lr=0.5)


def softmax_in_forward(seed: int) -> CaseDict:
    """Softmax over the characters, then cross-entropy."""
    torch.manual_seed(seed)
    return _case(SoftmaxTransformer(), characters_loaders(seed))


def weight_decay_of_fifty(seed: int) -> CaseDict:
    """A weight decay of 50: AdamW takes 15 % off every weight at every step."""
    torch.manual_seed(seed)
    case = _case(Transformer(), characters_loaders(seed))
    optimizer = torch.optim.AdamW(case["model"].parameters(), lr=3e-3, weight_decay=50)
    return {**case, "optimizer": optimizer}


def step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Return the mean cross-entropy over all characters of the batch."""
    logits = model(batch["input_ids"])
    return F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())


def characters_loaders(seed: int) -> CaseDict:
    """Return both loaders of dictionary batches."""
    data = characters(seed, LENGTH)
    train, val = Windows(data.x_train, data.y_train), Windows(data.x_val, data.y_val)
    return {
        "train_loader": DataLoader(train, batch_size=32, shuffle=True),
        "val_loader": DataLoader(val, batch_size=32),
    }


def _block(dropout: float) -> nn.Module:
    return nn.TransformerEncoderLayer(
        WIDTH, nhead=4, dim_feedforward=96, dropout=dropout, batch_first=True, norm_first=True
    )


def _case(model: nn.Module, both: CaseDict, lr: float = 3e-3) -> CaseDict:
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    return {"model": model, "step": step, "optimizer": optimizer, "epochs": 14, **both}
