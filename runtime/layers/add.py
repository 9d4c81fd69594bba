"""Sum of tensors."""

from __future__ import annotations

from torch import Tensor

from .layer import Layer


class Add(Layer):
    """Add tensors, number by number."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first
