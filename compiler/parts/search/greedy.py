"""The likeliest token, then the likeliest after it, until the end mark."""

from __future__ import annotations

from collections.abc import Mapping

from ...component import Component, Mismatch, component
from ...part import param
from ...tensor_type import TensorType, tokens


@component("greedy", family="search")
class Greedy(Component):
    """Take the likeliest token at each place, the lower one of two as likely, until that is the end mark.

    The search feeds each token to the decoder, whose step gives the logits of the next one. A text of as many tokens as
    are allowed ends there. Where fewer than `min_tokens` are chosen, the end mark is passed over.
    """

    signature = "(x: seq[B,U,V]) => (tokens: seq[B,U])"
    precision = "fp32"
    autoregressive = True

    max_tokens: int | None = param(
        default=None,
        doc="most tokens of a text, none for 10 + 2 for each source token",
        unit_doc="tokens",
        minimum=1,
        maximum=10000,
    )
    min_tokens: int = param(default=0, doc="fewest tokens of a text", unit_doc="tokens", minimum=0, maximum=10000)

    def check_params(self) -> None:
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise Mismatch(
                "S2S301",
                f"greedy cannot choose {self.min_tokens} tokens or more and {self.max_tokens} or fewer",
                param="min_tokens",
                helps=("make max_tokens larger",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"tokens": tokens(x.time, x.features, batch=x.axes[0].dim)}
