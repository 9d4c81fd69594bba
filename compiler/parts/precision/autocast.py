"""Half precision with float32 weights."""

from __future__ import annotations

from ....dsl.values import DType
from ...part import Mismatch, Part, param, part


@part("autocast", family="precision")
class Autocast(Part):
    """Compute matrix products and convolutions in half precision; weights and the optimizer stay float32.

    The weights are rounded at each use, which takes time and memory that `mixed` saves. fp16 scales the loss so that
    small gradients do not vanish (Micikevicius et al. 2018): the scale is doubled after `grow_every` steps without
    overflow and halved, with the step left out, at each overflow. bf16 needs no scale.
    """

    dtype: DType = param(doc="fp16 or bf16", choices=("fp16", "bf16"), training=True)
    start_scale: float = param(
        default=65536.0, doc="first scale of the loss, fp16 only", minimum=1, maximum=2.0**24, training=True
    )
    grow_every: int = param(
        default=2000, doc="steps without overflow before the scale is doubled", unit="steps", minimum=1, training=True
    )
    min_scale: float = param(
        default=1.0, doc="least scale; an overflow there means that training diverges", above=0, training=True
    )

    def check_params(self) -> None:
        if self.min_scale > self.start_scale:
            raise Mismatch(
                "S2S303",
                f"autocast starts at a scale of {self.start_scale:g}, below its least scale of {self.min_scale:g}",
                param="min_scale",
            )
