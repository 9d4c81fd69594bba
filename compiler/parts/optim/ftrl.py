"""Follow the regularized leader."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Mismatch, Part, param, part


@part("ftrl", family="optimizer")
class Ftrl(Optimizer):
    """Weights that are 0 where gradients give no reason for another (McMahan et al. 2013, algorithm 1).

    n = n + g^2, from `initial` on
    q = (beta + sqrt(n)) / lr
    z = z + g - (q - last q) * w
    w = 0 where |z| <= l1, elsewhere (sign(z) * l1 - z) / (q + l2)

    The first step starts from the weights that an initializer made, and q takes the rate of its own step: a rate that
    falls does not pull weights to 0. Without l1, l2 and beta it is adagrad.
    """

    lr: float = param(doc="learning rate", above=0, training=True)
    initial: float = param(default=0.1, doc="sum of squares before the first step", minimum=0, training=True)
    beta: float = param(default=0.0, doc="added to the root of the sum of squares", minimum=0, training=True)
    l1: float = param(default=0.0, doc="strength of the pull to 0", minimum=0, training=True)
    l2: float = param(default=0.0, doc="strength of the pull on large weights", minimum=0, training=True)
    larc: float | Part | None = declared_larc()

    def check_params(self) -> None:
        if not self.initial and not self.beta:
            raise Mismatch(
                "S2S303",
                "ftrl divides by 0 at a weight without a gradient",
                param="initial",
                helps=("write initial = 0.1, or a beta above 0",),
            )
