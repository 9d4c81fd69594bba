"""Gaussian error linear unit."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, component


@component("gelu")
class Gelu(Component):
    """Weigh each number by its normal probability: y = x * Phi(x), exact, by erf (Hendrycks & Gimpel 2016)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("x",)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}
