"""Attention of one sequence to another."""

from __future__ import annotations

from collections.abc import Mapping

from ..attention_heads import HeadedAttention
from ..component import component
from ..step_form import StepForm, carried
from ..tensor_type import TensorType


@component("cross_attention")
class CrossAttention(HeadedAttention):
    """Attend from each token of `x` to all tokens of `memory` (Vaswani et al. 2017, 3.2.3).

    Queries are projections of x, keys and values of memory; the memory's padding is attended by nobody.
    """

    signature = "(x: seq[B,T,D], memory: seq[B,S,C]) => (y: seq[B,T,D])"
    # a weight of 0 does not silence what is no number
    mixes_time = ("memory",)
    weighs = "memory"

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        features, width = inputs["x"][0].features, inputs["memory"][0].features
        shapes: dict[str, tuple[int, ...]] = {
            "weight": (features, features),
            "memory_weight": (2 * features, width),
            "out_weight": (features, features),
        }
        if self.bias:
            shapes |= {"bias": (features,), "memory_bias": (2 * features,), "out_bias": (features,)}
        return shapes

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, features = inputs["x"][0]
        _, source, width = inputs["memory"][0]
        projected = 2 * time * features**2 + 2 * source * width * features
        return batch * (projected + 2 * time * source * features)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if "memory" in stepped:
            raise self.looks_ahead(
                "cross_attention reads all of its memory, and this memory is made of target tokens that come later",
                help="give it an encoder's result as memory",
            )
        source = inputs["memory"][0].time
        size = inputs["x"][0].features // self.heads
        kept = tuple(carried(name, self.heads, source, size) for name in ("keys", "values"))
        return StepForm(once=(*kept, carried("real", source, dtype="bool")))
