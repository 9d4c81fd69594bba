"""Rectifier, clipped or not."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..part import param


@component("relu")
class Relu(Component):
    """Replace negative numbers by zero: y = max(x, 0); with `max` also y = min(y, max) (Hannun et al. 2014)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("y",)
    constants = ("max",)

    max: float | None = param(default=None, doc="greatest output", above=0)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0] if self.max is None else min(inputs["x"][0], self.max)}
