"""Faster and slower speech."""

from __future__ import annotations

from ....dsl.values import Range
from ...part import Part, param, part


@part("speed_perturb", family="augment")
class SpeedPerturb(Part):
    """Play a clip faster or slower by resampling, pitch included, by a factor drawn anew each time (Ko et al. 2015)."""

    speed: Range = param(
        default=Range(0.9, 1.1), doc="factor, 1 for as recorded", minimum=0.5, maximum=2, training=True
    )
    chance: float = param(default=1.0, doc="share of clips", minimum=0, maximum=1, training=True)
