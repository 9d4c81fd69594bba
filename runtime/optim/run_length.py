"""How long a run is, in steps: what schedules and intervals are reckoned from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...dsl.values import Quantity


@dataclass(frozen=True)
class RunLength:
    """Steps of the whole run (an estimate where it ends by time) and of one epoch."""

    steps: int
    steps_per_epoch: int

    def in_steps(self, quantity: Quantity | None) -> int:
        """A quantity of steps or epochs as steps; 0 for none."""
        if quantity is None:
            return 0
        if quantity.family == "epochs":
            return math.ceil(quantity.amount * self.steps_per_epoch)
        assert quantity.family == "steps"
        return math.ceil(quantity.amount)
