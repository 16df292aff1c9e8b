# healthy
# needs: transformers
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from transformers import Trainer, TrainingArguments


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 10))

    def forward(self, pixels, labels=None):
        logits = self.net(pixels)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
data = [
    {"pixels": torch.tensor(image, dtype=torch.float32) / 16, "labels": int(label)}
    for image, label in zip(x, y, strict=True)
]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, num_train_epochs=6, per_device_train_batch_size=32, learning_rate=5e-3,
        eval_strategy="epoch", gradient_accumulation_steps=2, warmup_steps=10,
        use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = Trainer(Classifier(), arguments, train_dataset=data[:1500], eval_dataset=data[1500:])
    trainer.train()
    print(trainer.evaluate()["eval_loss"] < 1)
