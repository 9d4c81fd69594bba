"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.momentum import Momentum
from .groups import NamedParameter


def build(part: Momentum, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    weights = [parameter.tensor for parameter in parameters]
    return torch.optim.SGD(weights, lr=part.lr, momentum=part.momentum, nesterov=part.nesterov, foreach=True)
