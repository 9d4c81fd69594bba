"""Half-precision weights with float32 masters."""

from __future__ import annotations

from ....dsl.values import DType
from ...part import Mismatch, Part, param, part


@part("mixed", family="precision")
class Mixed(Part):
    """Hold weights and gradients in half precision, and float32 masters for the optimizer (Micikevicius et al. 2018).

    Matrix products, convolutions and embeddings hold their weights in half; normalisations, softmax and losses stay
    float32. The optimizer updates the masters, which are then rounded into the model. fp16 scales the loss so that
    small gradients do not vanish, by backoff() unless said; bf16 needs no scale.
    """

    dtype: DType = param(doc="fp16 or bf16", choices=("fp16", "bf16"), training=True)
    loss_scale: Part | None = param(
        default=None,
        doc="what the loss is multiplied by, fp16 only; none is backoff()",
        families=("scaling",),
        training=True,
    )
    keep: tuple[str, ...] = param(
        default=(), doc='layers that stay float32, by path: "encoder.emb", "decoder.*"', training=True
    )

    def check_params(self) -> None:
        if "" in self.keep:
            raise Mismatch("S2S303", "a path in keep is empty", param="keep")
