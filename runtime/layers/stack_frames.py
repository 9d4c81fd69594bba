"""Joining neighbouring frames."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class StackFrames(Layer):
    """Put each `factor` frames side by side into one (Sak et al. 2015)."""

    layout = "BTC"

    def __init__(self, *, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x_BTC: Tensor) -> Tensor:
        num_batch, num_frames, features = x_BTC.shape
        num_stacks = (num_frames + self.factor - 1) // self.factor
        x_BTC = F.pad(x_BTC, (0, 0, 0, num_stacks * self.factor - num_frames))
        return x_BTC.reshape(num_batch, num_stacks, self.factor * features)
