"""No loss scaling."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Off:
    """The loss as it is."""

    enabled = False

    def __init__(self, device: torch.device) -> None:
        self.value = torch.ones((), device=device)
        self.at_floor = torch.ones((), dtype=torch.bool, device=device)

    def update(self, overflow: Tensor, largest: Tensor) -> None: ...

    def state(self) -> dict[str, float]:
        return {}

    def load(self, state: Mapping[str, float]) -> None: ...
