"""The Transformer's learning rate."""

from __future__ import annotations

from ...compiler.parts.optim.noam import Noam
from .run_length import RunLength


def learning_rate(part: Noam, base: float, step: int, length: RunLength) -> float:
    """The rate of a step (counted from 0)."""
    warmup = max(length.in_steps(part.warmup), 1)
    rate: float = base * part.coefficient * part.d**-0.5 * min((step + 1) * warmup**-1.5, (step + 1) ** -0.5)
    return rate if part.max_lr is None else min(rate, part.max_lr)
