"""Gated linear unit."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..tensor_type import TensorType


@component("glu")
class Glu(Component):
    """Gate the first half of the features by the second: y = a * sigmoid(b) for x = (a, b) (Dauphin et al. 2017)."""

    signature = "(x: [..,D]) => (y: [..,_])"
    keeps_zero = True
    saves = ("x",)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        features = inputs["x"][0].features
        if features % 2:
            raise Mismatch(
                "S2S402",
                f"glu cannot halve {features} features",
                at=f"{features} % 2 = 1",
                helps=(f"give it {features + 1} features",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"y": x.with_last(x.features // 2)}
