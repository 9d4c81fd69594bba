"""Weights whose rows stand at right angles."""

from __future__ import annotations

from torch import Tensor, nn

from ...compiler.parts.init.orthogonal import Orthogonal


def fill(part: Orthogonal, weight: Tensor) -> None:
    """Overwrite a matrix or kernel."""
    nn.init.orthogonal_(weight, part.gain)
