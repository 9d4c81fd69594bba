"""Maximum over time."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class MaxPool(Layer):
    """Take the maximum of real frames: of the whole sequence, or of windows (see the component)."""

    layout = "BCT"
    needs = ("mask",)

    def __init__(self, *, kernel: int | None = None, stride: int | None = None) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride or kernel or 1

    def forward(self, x_BCT: Tensor, *, mask: Tensor) -> Tensor:
        """Give [B, C] for the whole sequence, [B, C, ceil(T / stride)] for windows; zero where nothing is real."""
        lowest = -math.inf
        real_BCT = torch.where(mask, x_BCT, lowest)
        if self.kernel is None:
            greatest = real_BCT.amax(2)
        else:
            padded_BC1T = F.pad(real_BCT, (0, self.kernel - 1), value=lowest).unsqueeze(2)
            # in one dimension it would be exported for one length only
            greatest = F.max_pool2d(padded_BC1T, (1, self.kernel), (1, self.stride)).squeeze(2)
        return torch.where(greatest == lowest, 0.0, greatest)
