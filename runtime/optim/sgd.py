"""Plain gradient descent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.distributed.tensor import DTensor

from ...compiler.parts.optim.sgd import Sgd
from .groups import NamedParameter


def build(part: Sgd, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    weights = [parameter.tensor for parameter in parameters]
    # torch has no fused step for weights that are spread over ranks
    spread = any(isinstance(weight, DTensor) for weight in weights)
    return torch.optim.SGD(weights, lr=part.lr, fused=not spread, foreach=spread)
