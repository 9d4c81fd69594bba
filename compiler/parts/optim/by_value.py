"""Clipping of each number of a gradient."""

from __future__ import annotations

from ...part import Part, param, part


@part("by_value", family="clip")
class ByValue(Part):
    """Bring each number of a gradient into -most .. most, whatever the others are."""

    most: float = param(doc="greatest number of a gradient", above=0, training=True)
