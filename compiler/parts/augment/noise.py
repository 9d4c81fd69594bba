"""Noise added to speech."""

from __future__ import annotations

from ....dsl.values import Range
from ...part import Part, param, part


@part("noise", family="augment")
class Noise(Part):
    """Add Gaussian noise at a signal-to-noise ratio drawn anew each time."""

    snr: Range = param(
        default=Range(10, 40), doc="signal to noise in dB", unit_doc="dB", minimum=-30, maximum=120, training=True
    )
    chance: float = param(default=0.5, doc="share of clips", minimum=0, maximum=1, training=True)
