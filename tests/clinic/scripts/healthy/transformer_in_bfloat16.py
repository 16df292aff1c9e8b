# healthy
import math

import torch
from torch import nn

TEXT = "the quick brown fox jumps over the lazy dog and runs away from the slow bear. " * 60
letters = sorted(set(TEXT))
ids = torch.tensor([letters.index(letter) for letter in TEXT])
LENGTH = 24


class Writer(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(len(letters), width)
        self.place = nn.Parameter(0.02 * torch.randn(LENGTH, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, len(letters))

    def forward(self, tokens):
        mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)
        return self.head(self.body(self.embed(tokens) + self.place, mask, is_causal=True))


torch.manual_seed(0)
model = Writer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
warmup = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda i: min(1.0, (i + 1) / 20) * 0.5 * (1 + math.cos(math.pi * i / 160))
)
for step in range(150):
    starts = torch.randint(len(ids) - LENGTH - 1, (32,))
    window = torch.stack([ids[s : s + LENGTH + 1] for s in starts])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(window[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    warmup.step()
    if step % 50 == 0:
        print(step, loss.item())
