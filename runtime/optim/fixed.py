"""A learning rate that stays."""

from __future__ import annotations

from ...compiler.parts.optim.fixed import Fixed
from .run_length import RunLength


def learning_rate(part: Fixed, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0)."""
    return base
