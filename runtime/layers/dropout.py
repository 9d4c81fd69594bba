"""Dropout."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class Dropout(Layer):
    """Silence a share of the numbers while training and scale the rest (Srivastava et al. 2014)."""

    def __init__(self, *, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.rate, self.training) if self.training and self.rate else x
