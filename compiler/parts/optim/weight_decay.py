"""Decay of weights apart from the gradient."""

from __future__ import annotations

from ...part import Part, param, part


@part("weight_decay", family="regularizer")
class WeightDecay(Part):
    """Take lr * rate * w from each weight besides what the optimizer does (Loshchilov & Hutter 2019, "decoupled").

    Unlike l2 it does not go through the optimizer's averages. Biases and the weights of normalisations are left out
    unless said.
    """

    rate: float = param(doc="strength", minimum=0, training=True)
    biases: bool = param(default=False, doc="also on biases", training=True)
    norms: bool = param(default=False, doc="also on the scales and shifts of normalisations", training=True)
