"""Polynomial decay of the learning rate."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import param, part
from ...schedule import Fall, declared_begin, declared_fall, declared_warmup


@part("poly", family="schedule")
class Poly(Fall):
    """Bring the learning rate down to `min_lr` at the end of training, after a linear rise from 0 over `warmup`.

    rise  lr * (step + 1) / warmup                                      while step < warmup
    keep  lr                                                            while step < start = max(begin, warmup)
    fall  min_lr + (lr - min_lr) * (1 - (step - start) / steps)^power   steps: the rest of training, unless said
    """

    power: float = param(default=1.0, doc="1 falls in a line, 2 faster at first", above=0, training=True)
    warmup: Quantity | None = declared_warmup()
    begin: Quantity | None = declared_begin()
    min_lr: float = param(default=0.0, doc="learning rate at the end", minimum=0, training=True)
    steps: Quantity | None = declared_fall()

    def fallen(self, lr: float, past: int, steps: int) -> float:
        share = max(0.0, 1.0 - past / steps)
        return float(self.min_lr + (lr - self.min_lr) * share**self.power)
