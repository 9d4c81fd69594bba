"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Mismatch, Part, param, part


@part("momentum", family="optimizer")
class Momentum(Optimizer):
    """Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013).

    v = momentum * v + g
    w = w - lr * v, or with Nesterov w = w - lr * (g + momentum * v)
    """

    lr: float = param(doc="learning rate", above=0, training=True)
    momentum: float = param(default=0.9, doc="share of the last step that is kept", minimum=0, below=1, training=True)
    nesterov: bool = param(default=False, doc="look one step ahead", training=True)

    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 1 if self.momentum else 0

    def check_params(self) -> None:
        if self.nesterov and not self.momentum:
            raise Mismatch(
                "S2S301",
                "momentum looks a step ahead, but keeps nothing of the last one",
                param="nesterov",
                helps=("leave out nesterov, or give a momentum above 0",),
            )
