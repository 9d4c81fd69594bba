"""A loss scale that stays."""

from __future__ import annotations

from ...part import Part, param, part


@part("static", family="scaling")
class Static(Part):
    """Multiply the loss by the same number at every step. A step that overflows is left out."""

    scale: float = param(doc="what the loss is multiplied by", above=0, maximum=2.0**24, training=True)
