"""Adagrad."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("adagrad", family="optimizer")
class Adagrad(Optimizer):
    """Steps that shrink where gradients were large (Duchi, Hazan & Singer 2011).

    v = v + g^2, from `initial` on
    w = w - lr * g / (sqrt(v) + epsilon)
    """

    divisors = ("epsilon",)

    lr: float = param(doc="learning rate", above=0, training=True)
    initial: float = param(default=0.0, doc="sum of squares before the first step", minimum=0, training=True)
    epsilon: float = param(default=1e-10, doc="added to the root of the sum of squares", above=0, training=True)
    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 1
