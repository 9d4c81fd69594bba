"""Speech that starts a little later or earlier."""

from __future__ import annotations

from ...part import Part, param, part


@part("shift", family="augment")
class Shift(Part):
    """Move a clip in time by up to `max` either way: silence comes in at one end, as much is cut off at the other."""

    max: float = param(default=0.01, doc="greatest shift", unit="time", minimum=0, maximum=1, training=True)
    chance: float = param(default=1.0, doc="share of clips", minimum=0, maximum=1, training=True)
