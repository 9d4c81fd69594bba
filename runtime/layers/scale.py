"""A constant factor."""

from __future__ import annotations

from torch import Tensor

from .layer import Layer


class Scale(Layer):
    """Multiply by a constant."""

    def __init__(self, *, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x * self.by
