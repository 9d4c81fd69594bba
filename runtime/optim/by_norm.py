"""Clipping by the norm of the whole gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from ...compiler.parts.optim.by_norm import ByNorm


def clip(part: ByNorm, gradients: list[Tensor], norm: Tensor) -> None:
    """Make the gradients shorter, in place; `norm` is that of all of them together."""
    torch._foreach_mul_(gradients, (part.most / (norm + 1e-6)).clamp(max=1.0))
