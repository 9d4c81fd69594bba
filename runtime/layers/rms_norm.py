"""Root mean square normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...compiler.component import Component
from .layer import Inputs, Layer


class RmsNorm(Layer):
    """Normalise the features of each frame by their root mean square."""

    layout = "BTC"

    def __init__(self, *, features: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(features))

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def forward(self, x_BTC: Tensor) -> Tensor:
        inverse = torch.rsqrt(x_BTC.square().mean(-1, keepdim=True) + self.epsilon)
        return x_BTC * inverse * self.weight.to(x_BTC.dtype)
