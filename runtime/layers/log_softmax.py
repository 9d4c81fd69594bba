"""Logarithm of the softmax."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .layer import Layer


class LogSoftmax(Layer):
    """Turn logits into log probabilities over the last axis."""

    layout = "BTC"

    def forward(self, x_BTV: Tensor) -> Tensor:
        return F.log_softmax(x_BTV, -1)
