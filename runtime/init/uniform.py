"""Weights drawn evenly from a range."""

from __future__ import annotations

from torch import Tensor, nn

from ...compiler.parts.init.uniform import Uniform


def fill(part: Uniform, weight: Tensor) -> None:
    """Overwrite a matrix or kernel."""
    nn.init.uniform_(weight, part.low, part.high)
