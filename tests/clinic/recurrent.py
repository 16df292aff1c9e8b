"""Recurrent networks that predict the next character of a text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CaseDict, Split, alphabet, characters, loaders


class CharacterModel(nn.Module):
    """Embedding, recurrent layer and decoder; character ids (N, T) to logits (N, V, T)."""

    def __init__(self, hidden: int = 96, cell: type[nn.GRU] | type[nn.LSTM] = nn.GRU) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(alphabet()), 32)
        self.recurrent: nn.RNNBase = cell(32, hidden, batch_first=True)
        self.decoder = nn.Linear(hidden, len(alphabet()))

    def forward(self, ids: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embedding(ids))
        logits: Tensor = self.decoder(states)
        return logits.transpose(1, 2)


class PlainModel(CharacterModel):
    """A plain ReLU recurrent layer, its recurrent matrix stretched."""

    def __init__(self, gain: float, hidden: int = 96) -> None:
        super().__init__(hidden)
        self.recurrent = nn.RNN(32, hidden, nonlinearity="relu", batch_first=True)
        for name, parameter in self.recurrent.named_parameters():
            if "weight_hh" in name:
                nn.init.orthogonal_(parameter, gain=gain)


class DetachedModel(CharacterModel):
    """Detaches the states, as one does between windows, but inside the window."""

    def forward(self, ids: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embedding(ids))
        logits: Tensor = self.decoder(states.detach())
        return logits.transpose(1, 2)


def healthy(seed: int) -> CaseDict:
    """A GRU on characters, Adam."""
    torch.manual_seed(seed)
    return _with_adam(CharacterModel(), characters(seed))


def learning_rate_huge(seed: int) -> CaseDict:
    """Adam at 1.0."""
    torch.manual_seed(seed)
    return _with_adam(CharacterModel(), characters(seed), lr=1.0)


def learning_rate_tiny(seed: int) -> CaseDict:
    """Adam at 1e-6."""
    torch.manual_seed(seed)
    return _with_adam(CharacterModel(), characters(seed), lr=1e-6)


def two_hidden_units(seed: int) -> CaseDict:
    """A state of two numbers must remember the text."""
    torch.manual_seed(seed)
    return _with_adam(CharacterModel(hidden=2), characters(seed))


def detached_states(seed: int) -> CaseDict:
    """`.detach()` cuts the embedding and the recurrent layer off."""
    torch.manual_seed(seed)
    return _with_adam(DetachedModel(), characters(seed))


def decoder_alone_in_optimizer(seed: int) -> CaseDict:
    """Only the decoder was handed to the optimizer."""
    torch.manual_seed(seed)
    model = CharacterModel(cell=nn.LSTM)
    optimizer = torch.optim.Adam(model.decoder.parameters(), lr=5e-3)
    return _case(model, optimizer, characters(seed))


def exploding_states(seed: int) -> CaseDict:
    """A recurrent matrix that doubles the state at each of 32 steps."""
    torch.manual_seed(seed)
    model = PlainModel(gain=2)
    return _case(model, torch.optim.SGD(model.parameters(), lr=0.1), characters(seed))


def _with_adam(model: nn.Module, data: Split, lr: float = 5e-3) -> CaseDict:
    return _case(model, torch.optim.Adam(model.parameters(), lr=lr), data)


def _case(model: nn.Module, optimizer: torch.optim.Optimizer, data: Split) -> CaseDict:
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": 8,
        **loaders(data, batch_size=32),
    }
