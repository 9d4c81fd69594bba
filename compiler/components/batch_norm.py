"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..part import param
from ..tensor_type import TensorType


@component("batch_norm")
class BatchNorm(Component):
    """Normalise each feature over the real frames of the batch (Ioffe & Szegedy 2015).

        y = (x - mean) / sqrt(variance + epsilon) * weight + bias

    Training takes mean and variance over the frames within the lengths, never over padding; evaluation takes the
    running ones, running = momentum * running + (1 - momentum) * batch (torch's momentum is 1 - this one). Statistics
    and affine map are float32.
    """

    signature = "(x: [..,D]) => (y: [..,D])"
    saves = ("x",)
    exact = True
    normalizes = True
    divisors = ("epsilon",)
    kept = ("momentum",)

    momentum: float = param(
        default=0.9, doc="share of the old running value that is kept", minimum=0, below=1, training=True
    )
    epsilon: float = param(default=1e-3, doc="added to the variance", above=0)

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        features = inputs["x"][0].features
        return {"weight": (features,), "bias": (features,)}
