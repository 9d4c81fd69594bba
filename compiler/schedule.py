"""What every schedule of the learning rate has: its rate at a step, and the steps at which its curve turns."""

from __future__ import annotations

from typing import Any, ClassVar

from .part import Part, param
from .run_length import RunLength

STEPS = ("steps", "epochs")


class Schedule(Part):
    """How the learning rate changes over a run; the formula of each stands in its own file.

    in_shares  the curve is the same however many steps an epoch has, if all of it is counted in epochs
    """

    in_shares: ClassVar[bool] = True

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        """The rate of a step (counted from 0) of a run of some length, where the optimizer's rate is `lr`."""
        raise NotImplementedError

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        """The steps at which something begins or ends, each with what."""
        return []


def declared_warmup() -> Any:
    """Declare the linear rise from 0 that a schedule begins with."""
    return param(default=None, doc="rise from 0 in a line at the start", unit=STEPS, minimum=0, training=True)


def declared_begin() -> Any:
    """Declare when a fall begins."""
    return param(
        default=None, doc="when the fall begins, not before the rise ends", unit=STEPS, minimum=0, training=True
    )


def declared_fall() -> Any:
    """Declare how long a fall takes."""
    return param(
        default=None, doc="how long the fall takes, none for the rest of training", unit=STEPS, above=0, training=True
    )


def risen(rate: float, step: int, warmup: int) -> float:
    """A rate within the warm-up: up in a line, the whole of it at the warm-up's last step."""
    return rate * (step + 1) / warmup if step < warmup else rate


class Fall(Schedule):
    """Rise over `warmup`, keep `lr` until `begin`, fall for `steps` (the rest of training), stay.

    A subclass declares `warmup`, `begin` and `steps`, and says how it falls.
    """

    warmup: Any
    begin: Any
    steps: Any

    def fallen(self, lr: float, past: int, steps: int) -> float:
        """The rate `past` steps into a fall of `steps`; past may be more."""
        raise NotImplementedError

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        warmup = length.in_steps(self.warmup)
        start = max(length.in_steps(self.begin), warmup)
        if step < start:
            return risen(lr, step, warmup)
        return self.fallen(lr, step - start, self._fall(start, length))

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        warmup = length.in_steps(self.warmup)
        start = max(length.in_steps(self.begin), warmup)
        found = [(warmup - 1, "the warm-up ends")] if warmup else []
        return [*found, (start, "the fall begins"), (start + self._fall(start, length), "the fall ends")]

    def _fall(self, start: int, length: RunLength) -> int:
        return max(length.steps - start if self.steps is None else length.in_steps(self.steps), 1)
