"""What every optimizer has: a learning rate, room for layer-wise rates, and what it keeps for each weight."""

from __future__ import annotations

from typing import Any

from .part import Part, param


class Optimizer(Part):
    """How weights are changed by their gradients. A subclass declares `lr` first and `larc` last."""

    lr: float
    larc: float | Part | None

    def kept_numbers(self) -> int:
        """How many numbers it keeps for each weight, besides the weight and its gradient."""
        return 2


def declared_larc() -> Any:
    """Declare the layer-wise adaptation of the rate."""
    return param(
        default=None,
        doc="greatest step of a layer as a share of its weights' norm, or larc(…)",
        families=("larc",),
        above=0,
        training=True,
    )
