"""Gated linear unit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class Glu(Layer):
    """Gate the first half of the features by the second (Dauphin et al. 2017)."""

    needs = ("layout",)

    def __init__(self, *, layout: str = "BTC") -> None:
        super().__init__()
        self.axis = 1 if layout == "BCT" else -1

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(x, self.axis)
