"""A moving average of the weights, which is measured and kept in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..optim.groups import NamedParameter
from ..shards import dealt_out, local


class Averages:
    """The exponential moving average of all trained weights, in float32 (Polyak & Juditsky 1992).

        average = keep * average + (1 - keep) * weight    after each step that was applied

    It begins at the first weights. Running statistics of normalisations are not averaged: they are averages already.
    """

    def __init__(self, parameters: Sequence[NamedParameter], keep: float) -> None:
        """Average what an optimizer updates."""
        self._weights = [one.tensor.detach() for one in parameters]
        self._keep = keep
        self.values = {one.name: one.tensor.detach().float().clone() for one in parameters}

    def follow(self, applied: Tensor | None = None) -> None:
        """Take a step's weights in; where `applied`, [] bool, is not set, nothing changes."""
        share = 1.0 - self._keep
        values, weights = local(self.values.values()), [weight.float() for weight in local(self._weights)]
        if applied is None:
            torch._foreach_lerp_(values, weights, share)
            return
        for value, weight in zip(values, weights, strict=True):
            value.copy_(torch.where(applied, value.lerp(weight, share), value))

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Go on from kept averages; from those of now where there are none."""
        for name, value in self.values.items():
            if name in values:
                value.copy_(dealt_out(values[name], value))

    @contextmanager
    def in_place(self, module: nn.Module) -> Iterator[None]:
        """While entered, a model computes with the averages."""
        held = local(module.get_parameter(name).detach() for name in self.values)
        before = [parameter.clone() for parameter in held]
        torch._foreach_copy_(held, local(self.values.values()))
        try:
            yield
        finally:
            torch._foreach_copy_(held, before)


def mean_of(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several states of one model, name by name, in float64; whole numbers are the last one's.

    What Vaswani et al. 2017 (section 6.1) call checkpoint averaging. Running statistics are averaged too.
    """
    found = dict(states[-1])
    for name, last in found.items():
        if last.is_floating_point():
            total = sum((state[name].double() for state in states[1:]), start=states[0][name].double())
            found[name] = (total / len(states)).to(last.dtype)
    return found
