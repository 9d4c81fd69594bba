"""Dynamic loss scaling for autocast(fp16): torch's GradScaler behind a floor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..compiler.parts.precision.autocast import Autocast


class LossScale:
    """Scale the loss so that small half-precision gradients do not vanish (Micikevicius et al. 2018).

    GradScaler halves its scale without end: at 0 the next division makes the weights NaN. Here it stays at
    `min_scale` or above.
    """

    def __init__(self, part: Autocast | None, device: torch.device) -> None:
        needed = part is not None and part.dtype.name == "fp16"
        self.enabled = needed
        self._floor = part.min_scale if part is not None else 1.0
        self._scaler = torch.amp.GradScaler(
            device.type,
            init_scale=part.start_scale if part is not None else 1.0,
            growth_interval=int(part.grow_every) if part is not None else 1,
            enabled=needed,
        )

    @property
    def value(self) -> float:
        """The scale now; 1 where nothing is scaled."""
        return self._scaler.get_scale() if self.enabled else 1.0

    def scale(self, loss: Tensor) -> Tensor:
        """The loss to take the gradient of."""
        return self._scaler.scale(loss) if self.enabled else loss

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Bring gradients back to their size."""
        if self.enabled:
            self._scaler.unscale_(optimizer)

    def update(self, *, overflow: bool) -> None:
        """Shrink after an overflow, grow after enough steps without one."""
        if not self.enabled:
            return
        self._scaler.update()
        if overflow and self._scaler.get_scale() < self._floor:
            self._scaler.update(self._floor)

    def state(self) -> dict[str, Any]:
        return dict(self._scaler.state_dict())

    def load(self, state: dict[str, Any]) -> None:
        if self.enabled and state:
            self._scaler.load_state_dict(state)
