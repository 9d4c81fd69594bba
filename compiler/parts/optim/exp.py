"""Exponential decay of the learning rate."""

from __future__ import annotations

import math

from ....dsl.values import Quantity
from ...part import param, part
from ...schedule import Fall, declared_begin, declared_fall, declared_warmup


@part("exp", family="schedule")
class Exp(Fall):
    """Multiply the learning rate by `rate` every so many `steps`, from `begin` on, but not below `min_lr`.

    max(min_lr, lr * rate^((step - begin) / steps)), the exponent rounded down with `staircase`; without `steps` the
    rate has fallen once when training ends. Over a `warmup` it rises in a line first.
    """

    rate: float = param(doc="what is left after `steps`", above=0, maximum=1, training=True)
    steps: Quantity | None = declared_fall()
    begin: Quantity | None = declared_begin()
    staircase: bool = param(default=False, doc="fall in jumps", training=True)
    min_lr: float = param(default=0.0, doc="the rate is never below this", minimum=0, training=True)
    warmup: Quantity | None = declared_warmup()

    def fallen(self, lr: float, past: int, steps: int) -> float:
        times = past / steps
        rate: float = lr * self.rate ** (math.floor(times) if self.staircase else times)
        return max(float(self.min_lr), rate)
