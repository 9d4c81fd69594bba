"""Logistic function."""

from __future__ import annotations

from ..component import Component, component


@component("sigmoid")
class Sigmoid(Component):
    """Squash each number into 0 … 1: y = 1 / (1 + exp(-x))."""

    signature = "(x: [..]) => (y: [..])"
    saves = ("y",)
