"""What the model computes with and what the optimizer updates."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..optim.groups import NamedParameter


class Weights:
    """The trained parameters, each once, and the tensors that optimizer and regularizer see in their place.

    named  what the optimizer updates: here the parameters themselves
    """

    def __init__(self, parameters: Sequence[NamedParameter]) -> None:
        self.named = list(parameters)

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimizer updates, in order."""
        return [one.tensor for one in self.named]

    def collect(self) -> list[Tensor]:
        """The gradients of what the optimizer updates, for those that have one."""
        return [one.tensor.grad for one in self.named if one.tensor.grad is not None]

    def write_back(self) -> None:
        """Bring what the optimizer did into the model."""

    def clear(self) -> None:
        """Forget all gradients."""
        for one in self.named:
            one.tensor.grad = None
