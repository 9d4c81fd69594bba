"""Product of tensors."""

from __future__ import annotations

from torch import Tensor

from .layer import Layer


class Mul(Layer):
    """Multiply tensors of one shape."""

    def forward(self, *tensors: Tensor) -> Tensor:
        product, *others = tensors
        for other in others:
            product = product * other
        return product
