"""Weights scaled by the inputs or outputs of a matrix."""

from __future__ import annotations

from ...part import Part, param, part


@part("variance_scaling", family="initializer")
class VarianceScaling(Part):
    """Draw from a distribution of variance scale / fan, with a fan of inputs, outputs or their mean.

    scale = 2, mode = "fan_in" is He et al. 2015; scale = 1, mode = "fan_avg" is xavier. A normal distribution is cut at
    two standard deviations. Biases and norms keep their own start.
    """

    scale: float = param(default=1.0, doc="factor of the variance", above=0, training=True)
    mode: str = param(
        default="fan_in", doc="what the variance is divided by", choices=("fan_in", "fan_out", "fan_avg"), training=True
    )
    distribution: str = param(
        default="normal", doc="what numbers are drawn from", choices=("uniform", "normal"), training=True
    )
