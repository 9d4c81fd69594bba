"""Inverse square root decay."""

from __future__ import annotations

import math

from ...compiler.parts.optim.inverse_sqrt import InverseSqrt
from .run_length import RunLength


def learning_rate(part: InverseSqrt, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0)."""
    warmup = max(length.in_steps(part.warmup), 1)
    return base * min((step + 1) / warmup, math.sqrt(warmup / (step + 1)))
