"""Matrix product with trained weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from ..weight_norm import normed
from .layer import Inputs, Layer


class Linear(Layer):
    """Affine map of the last axis. A tied one has no weight of its own and is handed another module's."""

    layout = "BTC"

    def __init__(
        self, *, in_features: int, size: int, bias: bool = True, tied: bool = False, weight_norm: bool = False
    ) -> None:
        super().__init__()
        self.weight = None if tied else nn.Parameter(torch.empty(size, in_features))
        self.bias = nn.Parameter(torch.empty(size)) if bias else None
        bound = 1.0 / math.sqrt(in_features)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        self.gain = None
        if weight_norm and self.weight is not None:
            self.gain = nn.Parameter(self.weight.detach().norm(dim=1))

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        values = operation.values()
        tied = values.pop("tie") is not None
        return {"in_features": inputs["x"][0].features, **values, "tied": tied}

    def forward(self, x_BTC: Tensor, *, tied_weight: Tensor | None = None) -> Tensor:
        weight = self.weight if tied_weight is None else tied_weight
        assert weight is not None
        if self.gain is not None:
            weight = normed(weight, self.gain)
        bias = None if self.bias is None else self.bias.to(x_BTC.dtype)
        return F.linear(x_BTC, weight.to(x_BTC.dtype), bias)
