"""Hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component


@component("tanh")
class Tanh(Component):
    """Squash each number into -1 … 1: y = tanh(x)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("y",)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": 1.0}
