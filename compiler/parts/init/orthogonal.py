"""Weights whose rows stand at right angles."""

from __future__ import annotations

from ...part import Part, param, part


@part("orthogonal", family="initializer")
class Orthogonal(Part):
    """Make each matrix orthogonal, times `gain` (Saxe et al. 2014); biases and norms keep their own start.

    A kernel counts as the matrix of its output channels by everything else.
    """

    gain: float = param(default=1.0, doc="length of a row", above=0, training=True)
