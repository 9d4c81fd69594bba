"""Plain gradient descent."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("sgd", family="optimizer")
class Sgd(Optimizer):
    """Stochastic gradient descent: w = w - lr * g (Robbins & Monro 1951)."""

    lr: float = param(doc="learning rate", above=0, training=True)
    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 0
