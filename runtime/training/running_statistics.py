"""Running statistics of normalisations as they were before a batch: a batch that is skipped leaves none behind."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RunningStatistics:
    """The buffers that a forward pass changes, with a copy to go back to."""

    def __init__(self, module: nn.Module) -> None:
        self._now: list[Tensor] = list(kept_buffers(module).values())
        self._before = [tensor.clone() for tensor in self._now]

    def remember(self) -> None:
        """Take the copy."""
        if self._now:
            torch._foreach_copy_(self._before, self._now)

    def are_finite(self, device: torch.device) -> Tensor:
        """Whether all of them are, [] bool on `device`: a variance overflows where what it is of does not."""
        moving = [tensor for tensor in self._now if tensor.is_floating_point()]
        if not moving:
            return torch.ones((), dtype=torch.bool, device=device)
        return torch.isfinite(torch.stack(torch._foreach_norm(moving, float("inf")))).all()

    def go_back(self) -> None:
        """Undo what has been done since."""
        if self._now:
            torch._foreach_copy_(self._now, self._before)

    def go_back_where(self, skipped: Tensor) -> None:
        """Undo what has been done since where `skipped`, [] bool, says so; without a wait for the device."""
        for now, before in zip(self._now, self._before, strict=True):
            now.copy_(torch.where(skipped, before, now))


def kept_buffers(module: nn.Module) -> dict[str, Tensor]:
    """The buffers that a state dict holds, by name, each once; a state dict itself would deal weights out again."""
    return {
        f"{path}.{name}".removeprefix("."): buffer
        for path, owner in module.named_modules()
        for name, buffer in owner.named_buffers(recurse=False)
        # torch has no other word for it
        if name not in owner._non_persistent_buffers_set
    }
