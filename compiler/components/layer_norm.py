"""Layer normalisation."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..part import param
from ..tensor_type import TensorType


@component("layer_norm")
class LayerNorm(Component):
    """Normalise the features of each frame by themselves (Ba, Kiros & Hinton 2016).

    y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias; the variance is that of all D features.
    """

    signature = "(x: [..,D]) => (y: [..,D])"
    precision = "fp32"
    exact = True
    normalizes = True
    divisors = ("epsilon",)
    saves = ("x",)

    epsilon: float = param(default=1e-5, doc="added to the variance", above=0)

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        features = inputs["x"][0].features
        return {"weight": (features,), "bias": (features,)}
