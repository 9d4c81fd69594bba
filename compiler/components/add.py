"""Sum of tensors."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..tensor_type import TensorType


@component("add")
class Add(Component):
    """Add tensors of one type, number by number (`x + y` in a spec); a residual connection (He et al. 2016)."""

    signature = "(*x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ()

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": sum(inputs["x"])}

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        if len(inputs["x"]) < 2:
            raise Mismatch("S2S406", "add needs two tensors or more, got one", at="one input")
