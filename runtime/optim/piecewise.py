"""A learning rate in steps."""

from __future__ import annotations

from bisect import bisect_right

from ...compiler.parts.optim.piecewise import Piecewise
from .run_length import RunLength


def learning_rate(part: Piecewise, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0)."""
    passed = bisect_right(part.boundaries, step)
    return base * part.rates[passed - 1] if passed else base
