"""What components with attention heads share: heads that divide the features, and what attention costs."""

from __future__ import annotations

from collections.abc import Mapping

from .component import Component, Mismatch
from .part import param
from .tensor_type import TensorType

# heads that a message names at most
MOST_SUGGESTED = 1024


class HeadedAttention(Component):
    """Scaled dot-product attention in several heads (Vaswani et al. 2017, 3.2)."""

    precision = "half"
    reads_all = True

    heads: int = param(doc="attention heads that share the features", minimum=1)
    dropout: float = param(
        default=0.0, doc="share of attention weights that is silenced", minimum=0, below=1, training=True
    )
    bias: bool = param(default=False, doc="add a trained number to each feature of queries, keys, values and results")

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        features = inputs["x"][0].features
        if features % self.heads:
            lower, upper = features // self.heads * self.heads, -(-features // self.heads) * self.heads
            # sizes go up to 2^53: a search from there would not end
            fitting = next(count for count in range(min(self.heads, MOST_SUGGESTED), 0, -1) if features % count == 0)
            sizes = f"{upper}" if not lower else f"{lower} or {upper}"
            raise Mismatch(
                "S2S402",
                f"{self.name} cannot split {features} channels over {self.heads} heads",
                at=f"needs channels % heads == 0; {features} % {self.heads} = {features % self.heads}",
                param="heads",
                instead=str(fitting),
                helps=(f"use {sizes} channels (changes the model) or heads = {fitting}",),
            )
