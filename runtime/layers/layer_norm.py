"""Layer normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from .layer import Inputs, Layer


class LayerNorm(Layer):
    """Normalise the features of each frame by themselves (Ba, Kiros & Hinton 2016)."""

    layout = "BTC"

    def __init__(self, *, features: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.features, self.epsilon = features, epsilon
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def forward(self, x_BTC: Tensor) -> Tensor:
        dtype = x_BTC.dtype
        return F.layer_norm(x_BTC, (self.features,), self.weight.to(dtype), self.bias.to(dtype), self.epsilon)
