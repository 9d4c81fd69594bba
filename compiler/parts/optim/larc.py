"""Layer-wise adaptation of the learning rate."""

from __future__ import annotations

from ...part import Part, param, part


@part("larc", family="larc")
class Larc(Part):
    """Steps no larger than a share of the layer's weights (You, Gitman & Ginsburg 2017), before any optimizer.

        clip    g = g * min(1, max(min_update, eta * |w| / (lr * (|g| + epsilon))))
        scale   g = g * max(min_update, eta * |w| / (|g| + epsilon))

    |w| and |g| are the norms of one tensor, reckoned in float32; lr is the rate of the step. A tensor of zeros has no
    size to go by: its factor is 1 with clip, eta with scale. A number in its place is `eta`, with clip.
    """

    divisors = ("epsilon",)

    eta: float = param(doc="greatest step, as a share of the weights' norm", above=0, training=True)
    mode: str = param(
        default="clip",
        doc="`clip` makes a rate smaller alone, `scale` sets it",
        choices=("clip", "scale"),
        training=True,
    )
    min_update: float = param(default=1e-7, doc="least factor", minimum=0, training=True)
    epsilon: float = param(default=1e-7, doc="added to the gradient's norm", above=0, training=True)
