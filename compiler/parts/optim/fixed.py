"""A learning rate that stays."""

from __future__ import annotations

from ...part import Part, part


@part("fixed", family="schedule")
class Fixed(Part):
    """Keep the optimizer's learning rate as it is."""
