"""Logistic function."""

from __future__ import annotations

from torch import Tensor

from .layer import Layer


class Sigmoid(Layer):
    """Squash each number into 0 … 1."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sigmoid()
