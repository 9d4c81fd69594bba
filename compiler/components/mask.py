"""Zeroing of padding."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component
from ..tensor_type import TensorType


@component("mask", family="internal")
class Mask(Component):
    """Set the frames at and beyond each sequence's length to zero; put in where padding would leak into real frames."""

    signature = "(x: seq) => (y: seq)"
    keeps_zero = True
    cleans = True
    saves = ()

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        return {"y": inputs["x"][0]}
