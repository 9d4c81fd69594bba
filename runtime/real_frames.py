"""Which frames of a padded batch are real."""

from __future__ import annotations

import torch
from torch import Tensor


def real_frames(lengths_B: Tensor, num_frames: int) -> Tensor:
    """A bool mask [B, num_frames]: true before each row's length."""
    return torch.arange(num_frames, device=lengths_B.device) < lengths_B.unsqueeze(1)
