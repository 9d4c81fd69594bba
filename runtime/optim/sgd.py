"""Plain gradient descent."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.sgd import Sgd
from .groups import NamedParameter


def build(part: Sgd, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    return torch.optim.SGD([parameter.tensor for parameter in parameters], lr=part.lr, fused=True)
