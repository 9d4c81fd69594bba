"""Product of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ..component import Component, Mismatch, component
from ..tensor_type import TensorType


@component("mul")
class Mul(Component):
    """Multiply tensors of one type, number by number; a gate."""

    signature = "(*x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("x",)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {} if 0.0 in inputs["x"] else {"y": prod(inputs["x"])}

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        if len(inputs["x"]) < 2:
            raise Mismatch("S2S406", "mul needs two tensors or more, got one", at="one input")
