"""Weights drawn from a normal distribution."""

from __future__ import annotations

from ...part import Part, param, part


@part("normal", family="initializer")
class Normal(Part):
    """Draw each number of a matrix from N(0, std^2); biases and norms keep their own start."""

    std: float = param(default=0.02, doc="standard deviation", above=0, training=True)
