"""A loss scale that backs off after each overflow."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ....compiler.parts.scaling.backoff import Backoff as Part


class Backoff:
    """Divide by `factor` at each overflow, multiply by it after every `window` steps without one."""

    enabled = True

    def __init__(self, part: Part, device: torch.device) -> None:
        self._least, self._largest = float(part.min), float(part.max)
        self._factor, self._window = float(part.factor), int(part.window)
        self.value = torch.full((), self._largest, device=device)
        self._steps_since = torch.zeros((), dtype=torch.int64, device=device)

    @property
    def at_floor(self) -> Tensor:
        return self.value <= self._least

    def update(self, overflow: Tensor, largest: Tensor) -> None:
        since = torch.where(overflow, 0, self._steps_since + 1)
        # a window that went by is forgotten, which counts the next one too
        grows = since >= self._window
        factor = torch.where(overflow, 1.0 / self._factor, torch.where(grows, self._factor, 1.0))
        self.value.mul_(factor).clamp_(self._least, self._largest)
        self._steps_since.copy_(torch.where(grows, 0, since))

    def state(self) -> dict[str, float]:
        return {"value": float(self.value), "steps_since": float(self._steps_since)}

    def load(self, state: Mapping[str, float]) -> None:
        if "value" in state:
            self.value.fill_(min(max(float(state["value"]), self._least), self._largest))
            self._steps_since.fill_(int(state.get("steps_since", 0)))
