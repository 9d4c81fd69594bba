"""NovoGrad."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("novograd", family="optimizer")
class NovoGrad(Optimizer):
    """Gradients divided by the running norm of their layer, then momentum (Ginsburg et al. 2019, algorithm 1).

        v = beta2 * v + (1 - beta2) * |g|^2      one number for each tensor; |g|^2 at the first step
        d = g / (sqrt(v) + epsilon) + weight_decay * w
        m = beta1 * m + d                        averaged: beta1 * m + (1 - beta1) * d
        w = w - lr * m

    Biases and the scales of normalisations are not decayed.
    """

    divisors = ("epsilon",)
    kept = ("beta1", "beta2")

    lr: float = param(doc="learning rate", above=0, training=True)
    beta1: float = param(default=0.95, doc="share of the last step that is kept", minimum=0, below=1, training=True)
    beta2: float = param(default=0.98, doc="share of the squared norm that is kept", minimum=0, below=1, training=True)
    epsilon: float = param(default=1e-8, doc="added to the norm", above=0, training=True)
    weight_decay: float = param(default=0.0, doc="share of a weight added to its step", minimum=0, training=True)
    averaged: bool = param(default=False, doc="a mean of steps instead of their sum", training=True)
    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 1
