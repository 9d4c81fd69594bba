"""A loss scale that stays."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ....compiler.parts.scaling.static import Static as Part


class Static:
    """The same factor at every step; nothing can make it smaller, so an overflow is never a matter of scale."""

    enabled = True

    def __init__(self, part: Part, device: torch.device) -> None:
        self.value = torch.full((), float(part.scale), device=device)
        self.at_floor = torch.ones((), dtype=torch.bool, device=device)

    def update(self, overflow: Tensor, largest: Tensor) -> None: ...

    def state(self) -> dict[str, float]:
        return {}

    def load(self, state: Mapping[str, float]) -> None: ...
