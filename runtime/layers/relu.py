"""Rectifier, clipped or not."""

from __future__ import annotations

import torch
from torch import Tensor

from .layer import Layer


class Relu(Layer):
    """Replace negative numbers by zero, and numbers above `max` by it."""

    def __init__(self, *, max: float | None = None) -> None:
        super().__init__()
        self.max = max

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) if self.max is None else torch.clamp(x, 0.0, self.max)
