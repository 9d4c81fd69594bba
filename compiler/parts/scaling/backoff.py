"""A loss scale that backs off after each overflow."""

from __future__ import annotations

from ...part import Part, param, part
from ...scale_bounds import check_bounds


@part("backoff", family="scaling")
class Backoff(Part):
    """Start at the largest scale; divide by `factor` at each overflow, multiply by it after `window` steps without one.

    The scale stays between `min` and `max`. A step that overflows is left out.
    """

    min: float = param(
        default=1.0, doc="least scale; an overflow there means that training diverges", above=0, training=True
    )
    max: float = param(default=2.0**14, doc="largest scale, and the first", above=0, maximum=2.0**24, training=True)
    factor: float = param(default=2.0, doc="what the scale shrinks and grows by", above=1, training=True)
    window: int = param(
        default=2000, doc="steps without overflow before the scale grows", unit="steps", minimum=1, training=True
    )

    def check_params(self) -> None:
        check_bounds(self.name, self.min, self.max)
