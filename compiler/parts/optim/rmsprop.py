"""RMSprop."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("rmsprop", family="optimizer")
class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square (Tieleman & Hinton 2012).

    v = rho * v + (1 - rho) * g^2            centered: the mean of g, kept the same way, is squared and taken off v
    b = momentum * b + g / (sqrt(v) + epsilon)
    w = w - lr * b
    """

    divisors = ("epsilon",)
    kept = ("rho",)

    lr: float = param(doc="learning rate", above=0, training=True)
    rho: float = param(default=0.99, doc="share of the mean square that is kept", minimum=0, below=1, training=True)
    momentum: float = param(default=0.0, doc="share of the last step that is kept", minimum=0, below=1, training=True)
    epsilon: float = param(default=1e-8, doc="added to the root of the mean square", above=0, training=True)
    centered: bool = param(default=False, doc="divide by the deviation from the mean", training=True)
    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 1 + bool(self.momentum) + self.centered
