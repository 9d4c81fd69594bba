"""Hyperbolic tangent."""

from __future__ import annotations

from ..component import Component, component


@component("tanh")
class Tanh(Component):
    """Squash each number into -1 … 1: y = tanh(x)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("y",)
