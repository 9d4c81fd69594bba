"""A learning rate that stays."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import part
from ...run_length import RunLength
from ...schedule import Schedule, declared_warmup, risen


@part("fixed", family="schedule")
class Fixed(Schedule):
    """Keep the optimizer's learning rate as it is, after a linear rise over `warmup`."""

    warmup: Quantity | None = declared_warmup()

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        return risen(lr, step, length.in_steps(self.warmup))

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        rise = length.in_steps(self.warmup)
        return [(rise - 1, "the warm-up ends")] if rise else []
