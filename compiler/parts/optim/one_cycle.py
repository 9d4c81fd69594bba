"""One rise and one fall over the whole run."""

from __future__ import annotations

import math

from ....dsl.values import Quantity
from ...part import param, part
from ...run_length import RunLength
from ...schedule import STEPS, Schedule

_SHARE = 0.3


@part("one_cycle", family="schedule")
class OneCycle(Schedule):
    """Raise the learning rate to `lr` and bring it down to almost nothing, once in a run (Smith & Topin 2018).

        rise  from first * lr at step 0 to lr at step warmup - 1
        fall  from there to last * lr at the last step

    Both along half a wave of the cosine, or in a line.
    """

    warmup: Quantity | None = param(
        default=None, doc="how long the rate rises, none for 30% of training", unit=STEPS, above=0, training=True
    )
    first: float = param(
        default=0.04, doc="rate of the first step, as a share of lr", minimum=0, maximum=1, training=True
    )
    last: float = param(
        default=4e-6, doc="rate of the last step, as a share of lr", minimum=0, maximum=1, training=True
    )
    curve: str = param(default="cosine", doc="form of both halves", choices=("cosine", "line"), training=True)

    def learning_rate(self, lr: float, step: int, length: RunLength) -> float:
        top, end = self._top(length), length.steps - 1
        if step <= top:
            return self._between(lr * self.first, lr, step / max(top, 1) if top else 1.0)
        return self._between(lr, lr * self.last, min(1.0, (step - top) / max(end - top, 1)))

    def turns(self, length: RunLength) -> list[tuple[int, str]]:
        return [(self._top(length), "the fall begins")]

    def _top(self, length: RunLength) -> int:
        rise = round(_SHARE * length.steps) if self.warmup is None else length.in_steps(self.warmup)
        return max(rise, 1) - 1

    def _between(self, start: float, end: float, share: float) -> float:
        if self.curve == "line":
            return start + (end - start) * share
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
