"""Penalty on large weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.l2 import L2
from .groups import NamedParameter


def add_gradient(part: L2, parameters: Sequence[NamedParameter]) -> None:
    """Add rate * w to the gradients, in float32, after the loss scale was taken out of them."""
    spared = {kind for kind, included in (("bias", part.biases), ("norm", part.norms)) if not included}
    pairs = [
        (p.tensor.grad, p.tensor.detach()) for p in parameters if p.kind not in spared and p.tensor.grad is not None
    ]
    if pairs:
        torch._foreach_add_([gradient for gradient, _ in pairs], [weight for _, weight in pairs], alpha=part.rate)
