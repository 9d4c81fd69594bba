"""How long a run is, in steps: what schedules are reckoned from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..dsl.values import Quantity

UNKNOWN = 2**31


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
            return math.ceil(quantity.amount * self.steps_per_epoch - 1e-9)
        assert quantity.family == "steps"
        return math.ceil(quantity.amount)


def run_length(stop: Quantity, steps_per_epoch: int, *, step: int = 0, seconds: float = 0.0) -> RunLength:
    """The length of a run that ends at `stop`.

    One that ends by time is reckoned from its speed so far (`step` steps in `seconds`), so that a learning rate that
    falls over the run reaches its end with it, whatever the machine.
    """
    if stop.family == "steps":
        return RunLength(math.ceil(stop.amount), steps_per_epoch)
    if stop.family == "epochs":
        return RunLength(math.ceil(stop.amount * steps_per_epoch - 1e-9), steps_per_epoch)
    if step == 0 or seconds <= 0:
        return RunLength(UNKNOWN, steps_per_epoch)
    return RunLength(max(step + 1, min(UNKNOWN, round(step * stop.amount / seconds))), steps_per_epoch)
