"""Rectifier, clipped or not."""

from __future__ import annotations

from ..component import Component, component
from ..part import param


@component("relu")
class Relu(Component):
    """Replace negative numbers by zero: y = max(x, 0); with `max` also y = min(y, max) (Hannun et al. 2014)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ("y",)

    max: float | None = param(default=None, doc="greatest output", above=0)
