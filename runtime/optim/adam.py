"""Adam."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.adam import Adam
from .groups import NamedParameter


def build(part: Adam, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    weights = [parameter.tensor for parameter in parameters]
    return torch.optim.Adam(weights, lr=part.lr, betas=(part.beta1, part.beta2), eps=part.epsilon, fused=True)
