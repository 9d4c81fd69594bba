"""Change of precision."""

from __future__ import annotations

from collections.abc import Mapping

from ...dsl.values import DType
from ..component import Component, component
from ..part import param


@component("cast", family="internal")
class Cast(Component):
    """Convert real numbers to another precision; put in where precision is assigned."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ()

    dtype: DType = param(doc="precision of the result", choices=("fp32", "fp16", "bf16"))

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}
