"""Clipping of each number of a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from ...compiler.parts.optim.by_value import ByValue


def clip(part: ByValue, gradients: list[Tensor], norm: Tensor) -> None:
    """Bring each number into -most .. most, in place."""
    torch._foreach_clamp_min_(gradients, -part.most)
    torch._foreach_clamp_max_(gradients, part.most)
