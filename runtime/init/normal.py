"""Weights drawn from a normal distribution."""

from __future__ import annotations

from torch import Tensor, nn

from ...compiler.parts.init.normal import Normal


def fill(part: Normal, weight: Tensor) -> None:
    """Overwrite a matrix or kernel."""
    nn.init.normal_(weight, 0.0, part.std)
