"""Rotary positions and a gate on features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Turn pairs of features by an angle that grows with their place (Su et al. 2021, RoFormer, equation 34)."""

    rate: Tensor

    def __init__(self, *, d: int, base: float) -> None:
        super().__init__()
        self.register_buffer("rate", base ** (-torch.arange(0, d, 2) / d), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(x.shape[1], device=x.device).to(x.dtype)
        angle = places[:, None] * self.rate
        first, second = x.chunk(2, dim=2)
        sine, cosine = angle.sin(), angle.cos()
        return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=2)


class FeatureGate(nn.Module):
    """Let through what a small network finds worth it, frame by frame."""

    def __init__(self, *, d: int, ratio: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(d, d // ratio)
        self.wide = nn.Linear(d // ratio, d)

    def forward(self, x: Tensor) -> Tensor:
        share: Tensor = self.wide(self.narrow(x).relu()).sigmoid()
        return x * share
