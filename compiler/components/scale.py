"""A constant factor."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..part import param


@component("scale")
class Scale(Component):
    """Multiply every number by a constant: y = by * x."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ()
    constants = ("by",)

    by: float = param(doc="the factor")

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": abs(self.by) * inputs["x"][0]} if self.by else {"y": 0.0}
