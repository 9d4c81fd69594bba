"""A constant factor."""

from __future__ import annotations

from ..component import Component, component
from ..part import param


@component("scale")
class Scale(Component):
    """Multiply every number by a constant: y = by * x."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    saves = ()

    by: float = param(doc="the factor")
