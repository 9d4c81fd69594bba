"""Dynamic loss scaling for autocast(fp16), within the spec's bounds."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ....compiler.parts.precision.autocast import Autocast

CEILING = 2.0**24


class Guarded:
    """Halve the scale at each overflow, but never below `min_scale`; double it after `grow_every` steps without one.

    The rule of torch's GradScaler (Micikevicius et al. 2018) with a floor and a ceiling: GradScaler halves without end,
    and at 0 its next division makes the weights NaN.
    """

    enabled = True

    def __init__(self, part: Autocast, device: torch.device) -> None:
        self.value = torch.full((), float(part.start_scale), device=device)
        self._floor, self._ceiling = float(part.min_scale), max(CEILING, float(part.start_scale))
        self._grow_every = int(part.grow_every)
        self._steps_since = torch.zeros((), device=device)

    @property
    def at_floor(self) -> Tensor:
        return self.value <= self._floor

    def update(self, overflow: Tensor, largest: Tensor) -> None:
        since = torch.where(overflow, 0.0, self._steps_since + 1)
        grows = since >= self._grow_every
        factor = torch.where(overflow, 0.5, torch.where(grows, 2.0, 1.0))
        self.value.mul_(factor).clamp_(self._floor, self._ceiling)
        self._steps_since.copy_(torch.where(grows, 0.0, since))

    def state(self) -> dict[str, float]:
        return {"value": float(self.value), "steps_since": float(self._steps_since)}

    def load(self, state: Mapping[str, float]) -> None:
        if state:
            self.value.fill_(min(max(float(state["value"]), self._floor), self._ceiling))
            self._steps_since.fill_(float(state["steps_since"]))
