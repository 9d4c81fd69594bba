"""Bands of frequency and time set to zero."""

from __future__ import annotations

from ...component import Component, component
from ...part import param


@component("spec_augment", family="augment")
class SpecAugment(Component):
    """Set random bands of features and random stretches of frames to zero while training (Park et al. 2019).

    Each clip gets its own bands. A band's width is uniform over 0 … width and its place uniform; stretches of time lie
    within the clip's real frames. There is no time warping.
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,T,D])"
    precision = "fp32"
    keeps_zero = True
    training_only = True

    freq_masks: int = param(default=2, doc="bands of features", minimum=0, maximum=100, training=True)
    freq_width: int = param(default=10, doc="greatest width of a band", unit_doc="features", minimum=0, training=True)
    time_masks: int = param(default=2, doc="stretches of time", minimum=0, maximum=100, training=True)
    time_width: int = param(default=50, doc="greatest length of a stretch", unit_doc="frames", minimum=0, training=True)
