"""Bands of frequency and time set to zero while training."""

from __future__ import annotations

import torch
from torch import Tensor

from ..layers.layer import Layer


class SpecAugment(Layer):
    """Zero random bands of features and random stretches of real frames, other ones in each clip (Park et al. 2019)."""

    needs = ("lengths", "layout")

    def __init__(
        self, *, freq_masks: int, freq_width: int, time_masks: int, time_width: int, layout: str = "BTC"
    ) -> None:
        super().__init__()
        self.freq_masks, self.freq_width = freq_masks, freq_width
        self.time_masks, self.time_width = time_masks, time_width
        self.time_axis, self.feature_axis = (2, 1) if layout == "BCT" else (1, 2)

    def forward(self, x: Tensor, *, lengths: Tensor) -> Tensor:
        if not self.training:
            return x
        features_B = torch.full_like(lengths, x.shape[self.feature_axis])
        no_feature_BF = random_bands(
            features_B, x.shape[self.feature_axis], num_bands=self.freq_masks, width=self.freq_width
        )
        no_frame_BT = random_bands(lengths, x.shape[self.time_axis], num_bands=self.time_masks, width=self.time_width)
        hidden = no_feature_BF.unsqueeze(self.time_axis) | no_frame_BT.unsqueeze(self.feature_axis)
        return torch.where(hidden, 0.0, x)


def random_bands(limits_B: Tensor, size: int, *, num_bands: int, width: int) -> Tensor:
    """Mark random bands in each row, bool [B, size].

    A band's width is uniform over 0 … width (at most the row's limit), its place uniform below the limit.
    """
    shape = (limits_B.shape[0], num_bands, 1)
    limits_B11 = limits_B.view(-1, 1, 1).float()
    widths = torch.rand(shape, device=limits_B.device).mul_(width + 1).floor_().minimum(limits_B11)
    starts = (torch.rand(shape, device=limits_B.device) * (limits_B11 - widths + 1)).floor_()
    place = torch.arange(size, device=limits_B.device)
    return ((place >= starts) & (place < starts + widths)).any(1)
