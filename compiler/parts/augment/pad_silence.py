"""Silence before and after speech."""

from __future__ import annotations

from ...part import Part, param, part


@part("pad_silence", family="augment")
class PadSilence(Part):
    """Put silence before and after a clip, each of a length uniform over 0 … max and drawn anew each time."""

    max: float = param(default=0.1, doc="greatest length at each end", unit="time", minimum=0, maximum=5, training=True)
    chance: float = param(default=1.0, doc="share of clips", minimum=0, maximum=1, training=True)
