"""Dropout."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ..component import Component, component
from ..part import param


@component("dropout")
class Dropout(Component):
    """Silence a share of the numbers while training and scale the rest by 1 / (1 - rate) (Srivastava et al. 2014)."""

    signature = "(x: [..]) => (y: [..])"
    keeps_zero = True
    training_only = True
    saves = ()

    rate: float = param(doc="share that is silenced", minimum=0, below=1, training=True)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0] / (1 - self.rate)}

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        return prod(outputs["y"]) * item_bytes
