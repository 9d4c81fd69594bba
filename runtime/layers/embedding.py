"""Vectors for tokens."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layer import Layer


class Embedding(Layer):
    """Trained vectors, float32 in memory, N(0, 1 / size) at first."""

    layout = "BTC"
    needs = ("dtype",)

    def __init__(self, *, vocab: int, size: int, scale: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab, size))
        self.factor = math.sqrt(size) if scale else 1.0
        nn.init.normal_(self.weight, 0.0, size**-0.5)

    def forward(self, x_BT: Tensor, *, dtype: torch.dtype = torch.float32) -> Tensor:
        vectors_BTC = F.embedding(x_BT, self.weight).to(dtype)
        return vectors_BTC if self.factor == 1.0 else vectors_BTC * self.factor
