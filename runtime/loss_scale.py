"""Dynamic loss scaling for autocast(fp16), within the spec's bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..compiler.parts.precision.autocast import Autocast

CEILING = 2.0**24


class LossScale:
    """Scale the loss so that small half-precision gradients do not vanish (Micikevicius et al. 2018).

    value  the scale now: halved at each overflow but never below `min_scale`, doubled after `grow_every` steps without
           one but never above CEILING; 1 where nothing is scaled

    Numbers in Python: a step reads from the device whether its gradients are finite anyway. torch's GradScaler halves
    without end, and at 0 its next division makes the weights NaN.
    """

    def __init__(self, part: Autocast | None) -> None:
        self.enabled = part is not None and part.dtype.name == "fp16"
        self.value = float(part.start_scale) if part is not None and self.enabled else 1.0
        self._floor = float(part.min_scale) if part is not None else 1.0
        self._grow_every = int(part.grow_every) if part is not None else 1
        self._steps_since = 0

    @property
    def at_floor(self) -> bool:
        """Whether the scale cannot shrink further: an overflow is then no matter of scale."""
        return self.value <= self._floor

    def scale(self, loss: Tensor) -> Tensor:
        """The loss to take the gradient of."""
        return loss * self.value if self.enabled else loss

    def unscale(self, gradients: list[Tensor]) -> None:
        """Bring gradients back to their size."""
        if self.enabled:
            torch._foreach_mul_(gradients, 1.0 / self.value)

    def update(self, *, overflow: bool) -> None:
        """Shrink after an overflow, grow after enough steps without one."""
        if not self.enabled:
            return
        if overflow:
            self.value, self._steps_since = max(self.value / 2, self._floor), 0
            return
        self._steps_since += 1
        if self._steps_since >= self._grow_every:
            self.value, self._steps_since = min(self.value * 2, max(CEILING, self.value)), 0

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it; empty where nothing is scaled."""
        return {"value": self.value, "steps_since": self._steps_since} if self.enabled else {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; from the start where the run did not scale before."""
        if self.enabled and state:
            self.value = min(max(float(state["value"]), self._floor), CEILING)
            self._steps_since = int(state["steps_since"])
