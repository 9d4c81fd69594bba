"""A loss scale that foresees overflows."""

from __future__ import annotations

from ...part import Part, param, part
from ...scale_bounds import check_bounds


@part("logmax", family="scaling")
class LogMax(Part):
    """Keep the largest gradient below 2^`log_max`, whatever it was lately (Kuchaiev et al. 2018, "LogNormal").

    x is the binary logarithm of a step's largest gradient, `log_max` itself at an overflow; mean and deviation are
    running averages of it. The scale is 2^(log_max - mean - deviations * deviation), between `min` and `max`; the first
    is `max`. A step whose gradient is 0 everywhere tells nothing and changes nothing.
    """

    min: float = param(
        default=1.0, doc="least scale; an overflow there means that training diverges", above=0, training=True
    )
    max: float = param(default=2.0**14, doc="largest scale, and the first", above=0, maximum=2.0**24, training=True)
    log_max: float = param(
        default=16.0, doc="binary logarithm of what no scaled gradient should pass", above=0, maximum=16, training=True
    )
    beta1: float = param(
        default=0.99, doc="share of the mean that is kept at each step", minimum=0, below=1, training=True
    )
    beta2: float = param(
        default=0.999, doc="share of the deviation that is kept at each step", minimum=0, below=1, training=True
    )
    deviations: float = param(
        default=3.09,
        doc="distance from the mean to stay away from overflow; 3.09 leaves 1 in 1,000",
        minimum=0,
        training=True,
    )

    kept = ("beta1", "beta2")

    def check_params(self) -> None:
        check_bounds(self.name, self.min, self.max)
