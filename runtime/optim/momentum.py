"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.distributed.tensor import DTensor

from ...compiler.parts.optim.momentum import Momentum
from .groups import NamedParameter


def build(part: Momentum, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    weights = [parameter.tensor for parameter in parameters]
    # torch has no fused step for weights that are spread over ranks
    spread = any(isinstance(weight, DTensor) for weight in weights)
    optimizer = torch.optim.SGD(
        weights,
        lr=part.lr,
        momentum=part.momentum,
        nesterov=part.nesterov,
        fused=not spread,
        foreach=spread,
    )
    if part.momentum:
        # torch's fused kernel keeps whatever was in memory where the first step is called off
        for weight in weights:
            optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
    return optimizer
