# healthy
# needs: lightning
import lightning as L
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tumours(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(30, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2)
        )

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self.net(x), y))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=3e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)]


L.seed_everything(0)
x, y = load_breast_cancer(return_X_y=True)
order = torch.randperm(len(y))
x, y = torch.tensor(scale(x), dtype=torch.float32)[order], torch.tensor(y)[order]
trainer = L.Trainer(
    max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
)  # fmt: skip
trainer.fit(
    Tumours(),
    DataLoader(TensorDataset(x[:450], y[:450]), batch_size=32, shuffle=True, drop_last=True),
    DataLoader(TensorDataset(x[450:], y[450:]), batch_size=64),
)
