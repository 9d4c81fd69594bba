"""Change of precision."""

from __future__ import annotations

import torch
from torch import Tensor


def cast(x: Tensor, *, dtype: torch.dtype) -> Tensor:
    """Convert real numbers to another precision."""
    return x.to(dtype)
