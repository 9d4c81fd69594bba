"""Logistic function."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component


@component("sigmoid")
class Sigmoid(Component):
    """Squash each number into 0 … 1: y = 1 / (1 + exp(-x))."""

    signature = "(x: [..]) => (y: [..])"
    saves = ("y",)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": 1.0}
