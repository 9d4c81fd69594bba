"""Vectors for tokens."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..part import param
from ..tensor_type import TensorType


@component("embedding")
class Embedding(Component):
    """Look each token's trained vector up: y[b, t] = weight[x[b, t]], times sqrt(size) with `scale`.

    Scaled embeddings are those of the Transformer (Vaswani et al. 2017, 3.4). The table may have more rows than there
    are tokens (`pad_to(8, data.source.vocab)`); it starts as N(0, 1 / size) and can be tied to a projection.
    """

    signature = "(x: seq[B,T]) => (y: seq[B,T,size])"
    precision = "half"
    tokens = ("x",)
    saves = ("x",)

    vocab: int = param(doc="rows of the table, one for each token", minimum=1)
    size: int = param(doc="features of a vector", unit_doc="features", minimum=1)
    scale: bool = param(default=False, doc="multiply by the square root of size")

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        vocabulary = inputs["x"][0].vocabulary
        if inputs["x"][0].element != "index":
            raise Mismatch(
                "S2S301",
                "embedding looks tokens up, but `x` holds real numbers",
                at="no token numbers",
                helps=(f"use linear({self.size}) for features",),
            )
        if vocabulary is not None and vocabulary > self.vocab:
            raise Mismatch(
                "S2S410",
                f"embedding has {self.vocab} rows, but there are {vocabulary} tokens",
                at=f"{self.vocab} rows",
                param="vocab",
                helps=(f"make it {vocabulary}, or pad_to(8, {vocabulary}) = {-(-vocabulary // 8) * 8}",),
            )

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.vocab, self.size)}
