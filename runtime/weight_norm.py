"""Weights with their length apart from their direction."""

from __future__ import annotations

import torch
from torch import Tensor


def normed(weight: Tensor, gain: Tensor) -> Tensor:
    """Give each row of a weight the length that `gain` says (Salimans & Kingma 2016, equation 2); float32."""
    lengths = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    normed: Tensor = weight * (gain / lengths).view(-1, *[1] * (weight.dim() - 1))
    return normed
