"""Penalty on weights that are not 0."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.l1 import L1
from .groups import NamedParameter, with_gradient


def add_gradient(part: L1, parameters: Sequence[NamedParameter]) -> None:
    """Add rate * sign(w) to the gradients, in float32, after the loss scale was taken out of them."""
    held = with_gradient(parameters, biases=part.biases, norms=part.norms)
    if held:
        signs = torch._foreach_sign([weight for weight, _ in held])
        torch._foreach_add_([gradient for _, gradient in held], signs, alpha=part.rate)
