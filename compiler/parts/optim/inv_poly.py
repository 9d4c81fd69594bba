"""Decay with a power of the step."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import param, part
from ...schedule import Fall, declared_begin, declared_fall, declared_warmup


@part("inv_poly", family="schedule")
class InvPoly(Fall):
    """Let the learning rate fall with a power of the step, fast at first, and reach `min_lr` at the end of training.

    rise  lr * (step + 1) / warmup                                      while step < warmup
    keep  lr                                                            while step < start = max(begin, warmup)
    fall  lr / (1 + scale * (step - start))^power                       scale = ((lr / min_lr)^(1 / power) - 1) / steps

    The fall takes the rest of training unless `steps` is said.
    """

    min_lr: float = param(doc="learning rate at the end", above=0, training=True)
    power: float = param(default=1.0, doc="0.5 falls with the square root of the step", above=0, training=True)
    warmup: Quantity | None = declared_warmup()
    begin: Quantity | None = declared_begin()
    steps: Quantity | None = declared_fall()

    def fallen(self, lr: float, past: int, steps: int) -> float:
        if lr <= self.min_lr:
            return lr
        scale = ((lr / self.min_lr) ** (1 / self.power) - 1) / steps
        return max(float(self.min_lr), lr / float((1 + scale * past) ** self.power))
