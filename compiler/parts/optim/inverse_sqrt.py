"""Inverse square root decay."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import Part, param, part


@part("inverse_sqrt", family="schedule")
class InverseSqrt(Part):
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
