"""What every way of scaling the loss is to training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor


class Scaler(Protocol):
    """A factor of the loss that follows the gradients, kept on the device: no call here waits for it.

    enabled   False where the factor is always 1
    value     the factor, [] float32
    at_floor  whether it cannot shrink further, [] bool: an overflow is then no matter of scale
    """

    enabled: bool
    value: Tensor

    @property
    def at_floor(self) -> Tensor: ...

    def update(self, overflow: Tensor, largest: Tensor) -> None:
        """Follow a step: whether its gradients overflowed, [] bool, and their greatest magnitude, unscaled, []."""

    def state(self) -> dict[str, float]:
        """What a checkpoint holds of it; empty where nothing is scaled."""

    def load(self, state: Mapping[str, float]) -> None:
        """Go on from a state; from the start where it is empty."""
