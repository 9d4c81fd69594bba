"""Penalty on large weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.l2 import L2
from .groups import NamedParameter, with_gradient


def add_gradient(part: L2, parameters: Sequence[NamedParameter]) -> None:
    """Add rate * w to the gradients, in float32, after the loss scale was taken out of them."""
    held = with_gradient(parameters, biases=part.biases, norms=part.norms)
    if held:
        torch._foreach_add_([gradient for _, gradient in held], [weight for weight, _ in held], alpha=part.rate)
