"""Averaging over time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class MeanPool(Layer):
    """Average real frames: of the whole sequence, or of windows (see the component)."""

    layout = "BCT"
    needs = ("mask", "lengths")

    def __init__(self, *, kernel: int | None = None, stride: int | None = None) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride or kernel or 1

    def forward(self, x_BCT: Tensor, *, mask: Tensor, lengths: Tensor) -> Tensor:
        """Give [B, C] for the whole sequence, [B, C, ceil(T / stride)] for windows; float32 sums."""
        real_BCT = torch.where(mask, x_BCT, 0.0)
        if self.kernel is None:
            mean_BC = real_BCT.sum(2, dtype=torch.float32) / lengths.clamp(min=1).unsqueeze(1)
            return mean_BC.to(x_BCT.dtype)
        padded_BCT = F.pad(real_BCT, (0, self.kernel - 1)).float()
        mean_BCT = F.avg_pool1d(padded_BCT, self.kernel, self.stride)
        start_T = torch.arange(mean_BCT.shape[2], device=lengths.device) * self.stride
        num_real_BT = (lengths.unsqueeze(1) - start_T).clamp(min=1, max=self.kernel)
        return (mean_BCT * (self.kernel / num_real_BT).unsqueeze(1)).to(x_BCT.dtype)
