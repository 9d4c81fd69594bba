"""Adafactor."""

from __future__ import annotations

from ...optimizer import Optimizer, declared_larc
from ...part import Part, param, part


@part("adafactor", family="optimizer")
class Adafactor(Optimizer):
    """Adam's scaling from the means of rows and columns alone (Shazeer & Stern 2018).

    b = 1 - t^-decay
    R = b * R + (1 - b) * mean over columns of (g^2 + epsilon1)     C the same over rows
    u = g / sqrt(R * C / mean(R))                                   vectors keep all of g^2
    u = u / max(1, rms(u) / clip)
    w = w - lr * max(epsilon2, rms(w)) * u

    `relative = false` leaves rms(w) out. With beta1 above 0 a mean of u, one number for each weight, takes its place.
    A kernel of three sizes is a matrix in its last two. Biases and the scales of normalisations are not decayed.
    """

    divisors = ("epsilon1",)
    kept = ("beta1",)

    lr: float = param(doc="learning rate, a share of a weight's size", above=0, training=True)
    decay: float = param(default=0.8, doc="how fast the mean of squares slows down", above=0, maximum=1, training=True)
    clip: float = param(default=1.0, doc="greatest root mean square of a step", above=0, training=True)
    beta1: float = param(default=0.0, doc="share of the mean step that is kept", minimum=0, below=1, training=True)
    relative: bool = param(default=True, doc="scale steps by the size of the weights", training=True)
    epsilon1: float = param(default=1e-30, doc="added to squares of gradients", above=0, training=True)
    epsilon2: float = param(default=1e-3, doc="least size of weights", minimum=0, training=True)
    weight_decay: float = param(default=0.0, doc="share of a weight taken off, times lr", minimum=0, training=True)
    larc: float | Part | None = declared_larc()

    def kept_numbers(self) -> int:
        return 1 if self.beta1 else 0
