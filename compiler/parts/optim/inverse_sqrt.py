"""Inverse square root decay."""

from __future__ import annotations

import math

from ....dsl.values import Quantity
from ...part import param, part
from ...run_length import RunLength
from ...schedule import Schedule


@part("inverse_sqrt", family="schedule")
class InverseSqrt(Schedule):
    """Raise the learning rate to `lr` in a line over `warmup`, then let it fall with the square root of the step.

        lr * min((step + 1) / warmup, sqrt(warmup / (step + 1)))

    The curve of noam, with the highest rate said directly.
    """

    warmup: Quantity = param(
        default=Quantity(4000, "steps", "4000 steps"),
        doc="how long the rate rises",
        unit=("steps", "epochs"),
        above=0,
        training=True,
    )

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        warmup = max(length.in_steps(self.warmup), 1)
        return lr * min((step + 1) / warmup, math.sqrt(warmup / (step + 1)))

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        return [(max(length.in_steps(self.warmup), 1) - 1, "the warm-up ends")]
