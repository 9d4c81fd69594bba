"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.rmsprop import RMSprop
from .groups import NamedParameter


def build(part: RMSprop, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    return torch.optim.RMSprop(
        [parameter.tensor for parameter in parameters],
        lr=part.lr,
        alpha=part.rho,
        eps=part.epsilon,
        momentum=part.momentum,
        centered=part.centered,
        foreach=True,
    )
