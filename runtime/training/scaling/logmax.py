"""A loss scale that foresees overflows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ....compiler.parts.scaling.logmax import LogMax as Part

_STATISTICS = ("steps", "mean", "slow_mean", "slow_square")


class LogMax:
    """Keep the largest gradient below 2^log_max with a margin of some deviations of its logarithm.

    The averages start from 0 and are corrected for it as Adam's are (Kingma & Ba 2015, algorithm 1). They are float64:
    the deviation is a small difference of large squares.
    """

    enabled = True

    def __init__(self, part: Part, device: torch.device) -> None:
        self._part = part
        self._least, self._largest = float(part.min), float(part.max)
        self.value = torch.full((), self._largest, device=device)
        self._steps, self._mean, self._slow_mean, self._slow_square = (
            torch.zeros((), dtype=torch.float64, device=device) for _ in _STATISTICS
        )

    @property
    def at_floor(self) -> Tensor:
        return self.value <= self._least

    def update(self, overflow: Tensor, largest: Tensor) -> None:
        part = self._part
        log = torch.log2(largest.double()).masked_fill(overflow | ~largest.isfinite(), part.log_max)
        # the logarithm of 0 would stay in the averages for good
        tells = log > -torch.inf
        log = log.masked_fill(~tells, 0.0)
        for average, beta, number in (
            (self._mean, part.beta1, log),
            (self._slow_mean, part.beta2, log),
            (self._slow_square, part.beta2, log.square()),
        ):
            average.lerp_(number, tells.double() * (1.0 - beta))
        self._steps.add_(tells)
        seen = self._steps.clamp(min=1)
        fast, slow = 1.0 - torch.pow(part.beta1, seen), 1.0 - torch.pow(part.beta2, seen)
        variance = self._slow_square / slow - (self._slow_mean / slow).square()
        cutoff = self._mean / fast + part.deviations * variance.clamp(min=0).sqrt()
        wanted = torch.exp2(part.log_max - cutoff).clamp(self._least, self._largest)
        self.value.copy_(torch.where(tells, wanted, self.value.double()))

    def state(self) -> dict[str, float]:
        return {"value": float(self.value), **{name: float(getattr(self, f"_{name}")) for name in _STATISTICS}}

    def load(self, state: Mapping[str, float]) -> None:
        if "value" in state:
            self.value.fill_(min(max(float(state["value"]), self._least), self._largest))
        if state.keys() >= set(_STATISTICS):
            for name in _STATISTICS:
                getattr(self, f"_{name}").fill_(float(state[name]))
