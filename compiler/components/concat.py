"""Joining features."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component, require_equal_axes
from ..tensor_type import TensorType


@component("concat")
class Concat(Component):
    """Put the features of several tensors side by side; all other axes must agree."""

    signature = "(*x: [..,_]) => (y: [..,_])"
    keeps_zero = True
    saves = ()

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        require_equal_axes("concat", inputs["x"], but_last=True)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        first = inputs["x"][0]
        return {"y": first.with_last(sum(x.features for x in inputs["x"]))}
