"""Gaussian error linear unit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class Gelu(Layer):
    """Weigh each number by its normal probability, exactly, by erf (Hendrycks & Gimpel 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x)
