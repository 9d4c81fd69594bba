"""Cosine decay of the learning rate."""

from __future__ import annotations

import math

from ....dsl.values import Quantity
from ...part import param, part
from ...schedule import Fall, declared_begin, declared_fall, declared_warmup


@part("cosine", family="schedule")
class Cosine(Fall):
    """Bring the learning rate down to `min_lr` along half a wave (Loshchilov & Hutter 2017, without restarts).

    rise  lr * (step + 1) / warmup                                      while step < warmup
    keep  lr                                                            while step < start = max(begin, warmup)
    fall  min_lr + (lr - min_lr) * (1 + cos(pi * (step - start) / steps)) / 2

    `min_lr` is a rate, not a share of lr; the fall takes the rest of training unless `steps` is said.
    """

    warmup: Quantity | None = declared_warmup()
    min_lr: float = param(default=0.0, doc="learning rate at the end", minimum=0, training=True)
    begin: Quantity | None = declared_begin()
    steps: Quantity | None = declared_fall()

    def fallen(self, lr: float, past: int, steps: int) -> float:
        share = min(1.0, past / steps)
        return float(self.min_lr + (lr - self.min_lr) * (1.0 + math.cos(math.pi * share)) / 2)
