# cause: learning-rate-too-high
# needs: transformers
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from transformers import Trainer, TrainingArguments


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, pixels, labels=None):
        logits = self.net(pixels)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


x, y = load_digits(return_X_y=True)
data = [
    {"pixels": torch.tensor(image, dtype=torch.float32) / 16, "labels": int(label)}
    for image, label in zip(x, y, strict=True)
]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, num_train_epochs=4, per_device_train_batch_size=64, learning_rate=3.0,
        use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True, seed=0,
        max_grad_norm=0.0,
    )  # fmt: skip
    Trainer(Classifier(), arguments, train_dataset=data).train()  # HERE
