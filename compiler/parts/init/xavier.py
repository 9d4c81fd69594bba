"""Weights scaled by both sides of a matrix."""

from __future__ import annotations

from ...part import Part, param, part


@part("xavier", family="initializer")
class Xavier(Part):
    """Keep the variance of activations and of gradients through a layer (Glorot & Bengio 2010).

    The variance is 2 / (fan in + fan out); biases and norms keep their own start.
    """

    distribution: str = param(
        default="uniform", doc="what numbers are drawn from", choices=("uniform", "normal"), training=True
    )
