"""Silencing of logits that stand for nothing."""

from __future__ import annotations

import torch
from torch import Tensor

# half precision holds it, exp() of it is 0, and unlike -inf it gives the loss no NaN
SILENT = -1e4


def class_mask(x_BTV: Tensor, *, classes: int) -> Tensor:
    """Set the logits at and beyond `classes` to -10,000."""
    exists_V = torch.arange(x_BTV.shape[-1], device=x_BTV.device) < classes
    return torch.where(exists_V, x_BTV, SILENT)
