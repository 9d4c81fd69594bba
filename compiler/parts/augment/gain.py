"""Louder and softer speech."""

from __future__ import annotations

from ....dsl.values import Range
from ...part import Part, param, part


@part("gain", family="augment")
class Gain(Part):
    """Make a clip louder or softer by a number of decibels drawn anew each time."""

    level: Range = param(
        default=Range(-6, 6), doc="change in dB", unit_doc="dB", minimum=-60, maximum=60, training=True
    )
    chance: float = param(default=1.0, doc="share of clips", minimum=0, maximum=1, training=True)
