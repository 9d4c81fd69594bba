"""The likeliest texts that a few hypotheses, kept side by side, lead to."""

from __future__ import annotations

from collections.abc import Mapping

from ...component import Component, Mismatch, component
from ...part import param
from ...tensor_type import TensorType, tokens


@component("beam", family="search")
class Beam(Component):
    """Keep the `width` likeliest beginnings of a text, and give the finished texts with the best scores.

        score = log P(text) / ((5 + n) / 6)^length_penalty        n tokens, the end mark counted (Wu et al. 2016)

    The search feeds each hypothesis to the decoder, whose step gives the logits of the next token. A text is finished
    when its end mark is among the `width` best continuations, and ends where it has as many tokens as are allowed. The
    search of a sentence is over when `width` texts are finished, or when no hypothesis can beat the `n_best` best ones.
    A width of 1 is greedy search.
    """

    signature = "(x: seq[B,U,V]) => (tokens: seq[B,U])"
    precision = "fp32"
    autoregressive = True

    width: int = param(default=4, doc="hypotheses kept side by side", unit_doc="hypotheses", minimum=1)
    length_penalty: float = param(
        default=0.6, doc="how much longer texts are favoured, 0 compares log probabilities", minimum=0
    )
    n_best: int = param(default=1, doc="texts given for a sentence", unit_doc="texts", minimum=1)
    min_tokens: int = param(default=0, doc="fewest tokens of a text", unit_doc="tokens", minimum=0, maximum=10000)
    max_tokens: int | None = param(
        default=None,
        doc="most tokens of a text, none for 10 + 2 for each source token",
        unit_doc="tokens",
        minimum=1,
        maximum=10000,
    )

    def check_params(self) -> None:
        if self.n_best > self.width:
            raise Mismatch(
                "S2S301",
                f"beam finds no more than width = {self.width} texts, not n_best = {self.n_best}",
                param="n_best",
                helps=(f"width = {self.n_best}",),
            )
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise Mismatch(
                "S2S301",
                f"beam cannot choose {self.min_tokens} tokens or more and {self.max_tokens} or fewer",
                param="min_tokens",
                helps=("make max_tokens larger",),
            )

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        classes = inputs["x"][0].features
        if self.width > classes:
            raise Mismatch(
                "S2S410",
                f"beam has width = {self.width} but there are only {classes} tokens to choose from",
                param="width",
                helps=(f"width = {min(4, classes)}",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"tokens": tokens(x.time, x.features, batch=x.axes[0].dim)}
