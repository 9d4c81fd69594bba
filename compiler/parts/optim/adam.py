"""Adam."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("adam", family="optimizer")
class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient (Kingma & Ba 2015).

    m = beta1 * m + (1 - beta1) * g          v = beta2 * v + (1 - beta2) * g^2
    w = w - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
    """

    divisors = ("epsilon",)
    kept = ("beta1", "beta2")

    lr: float = param(doc="learning rate", above=0, training=True)
    beta1: float = param(default=0.9, doc="share of the mean gradient that is kept", minimum=0, below=1, training=True)
    beta2: float = param(default=0.999, doc="share of the mean square that is kept", minimum=0, below=1, training=True)
    epsilon: float = param(default=1e-8, doc="added to the root of the mean square", above=0, training=True)
    larc: float | Part | None = declared_larc()
