# cause: missing-zero-grad
# needs: lightning
import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ByHand(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        optimizer = self.optimizers()
        loss = nn.functional.mse_loss(self.net(x), y)
        self.manual_backward(loss)
        optimizer.step()  # HERE

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.02)


L.seed_everything(0)
x = torch.randn(512, 8)
y = x[:, :1] * x[:, 1:2] + x[:, 2:3]
trainer = L.Trainer(
    max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)  # fmt: skip
trainer.fit(ByHand(), DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True))
