"""Logarithm of the softmax."""

from __future__ import annotations

from ..component import Component, component


@component("log_softmax")
class LogSoftmax(Component):
    """Turn logits into log probabilities over the last axis: y = x - log(sum(exp(x))), in float32."""

    signature = "(x: [..,V]) => (y: [..,V])"
    precision = "fp32"
    saves = ("y",)
