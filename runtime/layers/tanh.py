"""Hyperbolic tangent."""

from __future__ import annotations

from torch import Tensor

from .layer import Layer


class Tanh(Layer):
    """Squash each number into -1 … 1."""

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()
