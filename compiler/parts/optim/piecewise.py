"""A learning rate in steps."""

from __future__ import annotations

from bisect import bisect_right

from ....dsl.values import Quantity
from ...part import Mismatch, param, part
from ...run_length import RunLength
from ...schedule import Schedule, declared_warmup, risen


@part("piecewise", family="schedule")
class Piecewise(Schedule):
    """Multiply the learning rate by the first of `rates` from the first of `boundaries` on, and so forth.

    boundaries = [10_000, 20_000], rates = [0.1, 0.01] gives lr, then lr * 0.1, then lr * 0.01.
    Over a `warmup` all of it is raised in a line from 0.
    """

    in_shares = False

    boundaries: tuple[int, ...] = param(doc="steps at which the rate changes", unit_doc="steps", training=True)
    rates: tuple[float, ...] = param(doc="factors of the first rate, one for each boundary", training=True)

    warmup: Quantity | None = declared_warmup()

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        passed = bisect_right(self.boundaries, step)
        return risen(lr * self.rates[passed - 1] if passed else lr, step, length.in_steps(self.warmup))

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        rise = length.in_steps(self.warmup)
        changes = [(step, f"lr * {rate:g}") for step, rate in zip(self.boundaries, self.rates, strict=True)]
        return [*([(rise - 1, "the warm-up ends")] if rise else []), *changes]

    def check_params(self) -> None:
        if len(self.boundaries) != len(self.rates):
            raise Mismatch(
                "S2S303",
                f"piecewise has {len(self.boundaries)} boundaries and {len(self.rates)} rates",
                param="rates",
                helps=("give one rate for each boundary",),
            )
        if not self.boundaries:
            raise Mismatch("S2S303", "piecewise wants a boundary at least", param="boundaries", helps=("say fixed",))
        if list(self.boundaries) != sorted(set(self.boundaries)) or any(one < 1 for one in self.boundaries):
            raise Mismatch(
                "S2S303", "piecewise wants boundaries that grow, from 1 on", param="boundaries", helps=("sort them",)
            )
        if any(one < 0 for one in self.rates):
            raise Mismatch("S2S303", "piecewise wants rates of 0 or more", param="rates")
