"""Decay of weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.weight_decay import WeightDecay
from .groups import NamedParameter


def decay(part: WeightDecay, parameters: Sequence[NamedParameter], rate: float) -> None:
    """Shrink the weights by the share `rate` * part.rate, where `rate` is the step's learning rate."""
    spared = {kind for kind, included in (("bias", part.biases), ("norm", part.norms)) if not included}
    weights = [p.tensor.detach() for p in parameters if p.kind not in spared and p.tensor.grad is not None]
    if weights and part.rate:
        torch._foreach_mul_(weights, 1.0 - rate * part.rate)
