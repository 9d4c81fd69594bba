"""Exponential decay of the learning rate."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import Part, param, part


@part("exp", family="schedule")
class Exp(Part):
    """Multiply the learning rate by `rate` every so many `steps`, from `begin` on, but not below `min_lr`.

    max(min_lr, lr * rate^((step - begin) / steps)), the exponent rounded down with `staircase`; without `steps` the
    rate has fallen once when training ends
    """

    rate: float = param(doc="what is left after `steps`", above=0, maximum=1, training=True)
    steps: Quantity | None = param(
        default=None,
        doc="how long it takes to fall by `rate`, none for the rest of training",
        unit=("steps", "epochs"),
        above=0,
        training=True,
    )
    begin: Quantity | None = param(
        default=None, doc="when the fall begins", unit=("steps", "epochs"), minimum=0, training=True
    )
    staircase: bool = param(default=False, doc="fall in jumps", training=True)
    min_lr: float = param(default=0.0, doc="the rate is never below this", minimum=0, training=True)
