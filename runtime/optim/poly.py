"""Polynomial decay of the learning rate."""

from __future__ import annotations

from ...compiler.parts.optim.poly import Poly
from .run_length import RunLength


def learning_rate(part: Poly, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0): up over the warm-up, level until `begin`, then down to `min_lr`."""
    warmup = length.in_steps(part.warmup)
    if step < warmup:
        return base * (step + 1) / warmup
    start = max(length.in_steps(part.begin), warmup)
    if step < start:
        return base
    rest = max(length.steps - start, 1)
    share = max(0.0, 1.0 - (step - start) / rest)
    return float(part.min_lr + (base - part.min_lr) * share**part.power)
