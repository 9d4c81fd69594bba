"""Decay of weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...compiler.parts.optim.weight_decay import WeightDecay
from .groups import NamedParameter, with_gradient


def decay(part: WeightDecay, parameters: Sequence[NamedParameter], rate: float | Tensor) -> None:
    """Shrink the weights by the share `rate` * part.rate, where `rate` is the step's learning rate, 0 for no step."""
    held = with_gradient(parameters, biases=part.biases, norms=part.norms)
    if held and part.rate:
        torch._foreach_mul_([weight for weight, _ in held], 1.0 - rate * part.rate)
