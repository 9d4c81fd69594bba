"""Encodings of places."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...compiler.component import Component
from .layer import Inputs, Layer


class Positions(Layer):
    """Sines and cosines of the place, or trained vectors, added to each token; computed in float32."""

    layout = "BTC"

    def __init__(self, *, features: int, kind: str, max_tokens: int) -> None:
        super().__init__()
        self.features, self.max_tokens = features, max_tokens
        self.weight = nn.Parameter(torch.empty(max_tokens, features)) if kind == "learned" else None
        if self.weight is not None:
            nn.init.normal_(self.weight, 0.0, features**-0.5)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def forward(self, x_BTC: Tensor) -> Tensor:
        places_T = torch.arange(x_BTC.shape[1], device=x_BTC.device)
        return x_BTC + self._encoding(places_T).to(x_BTC.dtype)

    def step(self, *, position: Tensor, x: Tensor, place: Tensor) -> tuple[Tensor, ...]:
        return x + self._encoding(position.unsqueeze(0)).to(x.dtype), place + 1

    def _encoding(self, places_T: Tensor) -> Tensor:
        if self.weight is not None:
            return self.weight[places_T]
        half = self.features // 2
        rates_C = torch.exp(torch.arange(half, device=places_T.device) * (-math.log(10000.0) / (half - 1)))
        angles_TC = places_T.unsqueeze(1) * rates_C
        return torch.cat([angles_TC.sin(), angles_TC.cos()], 1)
