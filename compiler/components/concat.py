"""Joining features."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..tensor_type import TensorType


@component("concat")
class Concat(Component):
    """Put the features of several tensors side by side; all other axes must agree."""

    signature = "(*x: [..,_]) => (y: [..,_])"
    keeps_zero = True
    saves = ()

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": max(inputs["x"])}

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        for x in inputs["x"]:
            if not x.axes[-1].dim.is_known:
                raise Mismatch("S2S403", f"concat joins features, but the last axis of {x} is {x.axes[-1].name}")

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        first = inputs["x"][0]
        return {"y": first.with_last(sum(x.features for x in inputs["x"]))}
