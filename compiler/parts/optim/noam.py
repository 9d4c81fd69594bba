"""The Transformer's learning rate."""

from __future__ import annotations

from ....dsl.values import Quantity
from ...part import param, part
from ...run_length import RunLength
from ...schedule import Schedule


@part("noam", family="schedule")
class Noam(Schedule):
    """Raise the learning rate in a line over `warmup`, then let it fall with the square root of the step.

        lr * coefficient * d^-0.5 * min((step + 1) * warmup^-1.5, (step + 1)^-0.5), at most max_lr

    Vaswani et al. 2017, equation 3; the highest rate is lr * coefficient / sqrt(d * warmup).
    """

    in_shares = False

    d: int = param(doc="features of the model", unit_doc="features", minimum=1, training=True)
    warmup: Quantity = param(
        default=Quantity(4000, "steps", "4000 steps"),
        doc="how long the rate rises",
        unit=("steps", "epochs"),
        above=0,
        training=True,
    )
    coefficient: float = param(default=1.0, doc="another factor", above=0, training=True)
    max_lr: float | None = param(default=None, doc="the rate is never above this", above=0, training=True)

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        warmup = max(length.in_steps(self.warmup), 1)
        rate: float = lr * self.coefficient * self.d**-0.5 * min((step + 1) * warmup**-1.5, (step + 1) ** -0.5)
        return rate if self.max_lr is None else min(rate, self.max_lr)

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        return [(max(length.in_steps(self.warmup), 1) - 1, "the warm-up ends")]

    def highest(self, lr: float) -> float | None:
        """The highest rate of the curve over `lr`; None where the warm-up is not counted in steps."""
        if self.warmup.family != "steps":
            return None
        peak: float = lr * self.coefficient / (self.d * self.warmup.amount) ** 0.5
        return peak if self.max_lr is None else min(peak, self.max_lr)
