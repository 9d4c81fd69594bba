"""Penalty on weights that are not 0."""

from __future__ import annotations

from ...part import Part, param, part


@part("l1", family="regularizer")
class L1(Part):
    """Add rate * sum(|w|) to the loss, that is rate * sign(w) to each gradient, reckoned in float32.

    Biases and the weights of normalisations are left out unless said.
    """

    rate: float = param(doc="strength", minimum=0, training=True)
    biases: bool = param(default=False, doc="also on biases", training=True)
    norms: bool = param(default=False, doc="also on the scales and shifts of normalisations", training=True)
