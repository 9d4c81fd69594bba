"""Gaussian error linear unit."""

from __future__ import annotations

from ..component import Component, component


@component("gelu")
class Gelu(Component):
    """Weigh each number by its normal probability: y = x * Phi(x), exact, by erf (Hendrycks & Gimpel 2016)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("x",)
