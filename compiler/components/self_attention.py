"""Attention of a sequence to itself."""

from __future__ import annotations

from collections.abc import Mapping

from ..attention_heads import HeadedAttention
from ..component import component
from ..part import param
from ..step_form import ROOM, StepForm, carried
from ..tensor_type import TensorType


@component("self_attention")
class SelfAttention(HeadedAttention):
    """Attend from each token to all tokens of the same sequence, or with `causal` to itself and those before it.

        y = concat over heads of softmax(Q K^T / sqrt(D / heads)) V, times W_out

    Queries, keys and values are projections of x. Padding is attended by no real token (Vaswani et al. 2017, 3.2).
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,T,D])"
    # a weight of 0 does not silence what is no number
    mixes_time = True
    weighs = "x"

    causal: bool = param(default=False, doc="see no later tokens, as a decoder must not")

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        features = inputs["x"][0].features
        shapes: dict[str, tuple[int, ...]] = {"weight": (3 * features, features), "out_weight": (features, features)}
        if self.bias:
            shapes |= {"bias": (3 * features,), "out_bias": (features,)}
        return shapes

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, features = inputs["x"][0]
        return 4 * batch * time * features**2 + 2 * batch * time**2 * features

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if not self.causal:
            why = "self_attention without causal = true reads later target tokens"
            raise self.looks_ahead(why, help="say causal = true")
        size = inputs["x"][0].features // self.heads
        return StepForm(state=tuple(carried(name, self.heads, ROOM, size) for name in ("keys", "values")))
