"""Weights scaled by both sides of a matrix."""

from __future__ import annotations

from torch import Tensor, nn

from ...compiler.parts.init.xavier import Xavier


def fill(part: Xavier, weight: Tensor) -> None:
    """Overwrite a matrix or kernel."""
    (nn.init.xavier_uniform_ if part.distribution == "uniform" else nn.init.xavier_normal_)(weight)
