"""Polynomial decay of the learning rate."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import Part, param, part


@part("poly", family="schedule")
class Poly(Part):
    """Bring the learning rate down to `min_lr` at the end of training, after a linear rise from 0 over `warmup`.

    rise  lr * (step + 1) / warmup                                      while step < warmup
    keep  lr                                                            while step < start = max(begin, warmup)
    fall  min_lr + (lr - min_lr) * (1 - (step - start) / (steps - start))^power
    """

    power: float = param(default=1.0, doc="1 falls in a line, 2 faster at first", above=0, training=True)
    warmup: Quantity | None = param(
        default=None, doc="rise from 0 at the start", unit=("steps", "epochs"), minimum=0, training=True
    )
    begin: Quantity | None = param(
        default=None,
        doc="when the fall begins, not before the rise ends",
        unit=("steps", "epochs"),
        minimum=0,
        training=True,
    )
    min_lr: float = param(default=0.0, doc="learning rate at the end", minimum=0, training=True)
