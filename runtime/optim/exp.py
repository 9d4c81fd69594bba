"""Exponential decay of the learning rate."""

from __future__ import annotations

import math

from ...compiler.parts.optim.exp import Exp
from .run_length import RunLength


def learning_rate(part: Exp, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0)."""
    begin = length.in_steps(part.begin)
    fall = length.steps - begin if part.steps is None else length.in_steps(part.steps)
    past = max(0, step - begin) / max(fall, 1)
    rate: float = base * part.rate ** (math.floor(past) if part.staircase else past)
    return max(float(part.min_lr), rate)
