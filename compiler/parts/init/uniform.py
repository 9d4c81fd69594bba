"""Weights drawn evenly from a range."""

from __future__ import annotations

from ...part import Mismatch, Part, param, part


@part("uniform", family="initializer")
class Uniform(Part):
    """Draw each number of a matrix evenly from low … high; biases and norms keep their own start."""

    low: float = param(default=-0.1, doc="least value", training=True)
    high: float = param(default=0.1, doc="greatest value", training=True)

    def check_params(self) -> None:
        if self.low >= self.high:
            raise Mismatch("S2S303", f"uniform has low = {self.low:g} and high = {self.high:g}", param="high")
