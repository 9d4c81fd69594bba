"""Joining features."""

from __future__ import annotations

import torch
from torch import Tensor

from .layer import Layer


class Concat(Layer):
    """Put the features of several tensors side by side."""

    needs = ("layout",)

    def __init__(self, *, layout: str = "BTC") -> None:
        super().__init__()
        self.axis = 1 if layout == "BCT" else -1

    def forward(self, *x: Tensor) -> Tensor:
        return torch.cat(x, self.axis)
