# cause: double-softmax
# needs: transformers
import tempfile

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn
from transformers import Trainer, TrainingArguments


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(13, 32)
        self.head = nn.Linear(32, 3)

    def forward(self, features, labels=None):
        probabilities = torch.softmax(self.head(torch.relu(self.body(features))), dim=-1)
        loss = nn.functional.cross_entropy(probabilities, labels)  # HERE
        return {"loss": loss, "logits": probabilities}


x, y = load_wine(return_X_y=True)
x = torch.tensor(scale(x), dtype=torch.float32)
data = [{"features": x[i], "labels": int(y[i])} for i in range(len(y))]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, num_train_epochs=12, per_device_train_batch_size=16, learning_rate=5e-3,
        use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True, seed=0,
    )  # fmt: skip
    Trainer(Classifier(), arguments, train_dataset=data).train()
