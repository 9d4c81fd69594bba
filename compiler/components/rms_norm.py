"""Root mean square normalisation."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..part import param
from ..tensor_type import TensorType


@component("rms_norm")
class RmsNorm(Component):
    """Normalise the features of each frame by their root mean square (Zhang & Sennrich 2019).

    y = x / sqrt(mean(x^2) + epsilon) * weight
    """

    signature = "(x: [..,D]) => (y: [..,D])"
    precision = "fp32"
    exact = True
    normalizes = True
    divisors = ("epsilon",)
    keeps_zero = True
    saves = ("x",)

    epsilon: float = param(default=1e-6, doc="added to the mean square", above=0)

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        return {"weight": (inputs["x"][0].features,)}
