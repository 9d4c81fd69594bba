"""Matrix product with trained weights."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ..component import Component, Mismatch, component
from ..part import WeightsPath, param
from ..tensor_type import TensorType


@component("linear")
class Linear(Component):
    """Affine map of the last axis: y = x W^T + b.

    With `tie` the weights of another module take the place of W (Press & Wolf 2017, "Using the output embedding to
    improve language models"); they must have the shape [size, features]. With `weight_norm` each row of W is
    gain[o] * weight[o] / |weight[o]| (Salimans & Kingma 2016).
    """

    signature = "(x: [..,D]) => (y: [..,size])"
    precision = "half"
    saves = ("x",)

    size: int = param(doc="output features", unit_doc="features", minimum=1)
    bias: bool = param(default=True, doc="add a trained number to each feature")
    tie: WeightsPath | None = param(default=None, doc="module whose weight is used instead of an own one")

    weight_norm: bool = param(default=False, doc="train the length of each row of the weight by itself")

    @property
    def folds(self) -> bool:
        return self.tie is None

    def check_params(self) -> None:
        if self.weight_norm and self.tie is not None:
            raise Mismatch(
                "S2S301",
                "linear cannot normalise a weight that belongs to another module",
                param="weight_norm",
                helps=("leave out tie, or weight_norm",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        return {"y": inputs["x"][0].with_last(self.size)}

    def tied_shape(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> tuple[int, ...]:
        """The shape that the weight of the tied module must have."""
        return (self.size, inputs["x"][0].features)

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        if self.tie is None:
            shapes["weight"] = (self.size, inputs["x"][0].features)
        if self.bias:
            shapes["bias"] = (self.size,)
        if self.weight_norm:
            shapes["gain"] = (self.size,)
        return shapes

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        return prod(inputs["x"][0]) * self.size
