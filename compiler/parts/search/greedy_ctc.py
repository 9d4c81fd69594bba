"""The likeliest class of each frame, read as text."""

from __future__ import annotations

from collections.abc import Mapping

from ...component import Component, Mismatch, component
from ...part import param
from ...tensor_type import TensorType, tokens


@component("greedy_ctc", family="search")
class GreedyCtc(Component):
    """Take the likeliest class of each frame, merge repeats, drop blanks (Graves et al. 2006, best path decoding).

    The result holds at most one token for each frame; its lengths are counted, not derived.
    """

    signature = "(x: seq[B,T,V]) => (tokens: seq[B,T])"
    precision = "fp32"

    blank: int = param(doc="class that stands for no symbol", minimum=0)

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        classes = inputs["x"][0].features
        if self.blank >= classes:
            raise Mismatch(
                "S2S410",
                f"greedy_ctc has blank = {self.blank} but there are only the classes 0 to {classes - 1}",
                at=f"blank = {self.blank}",
                param="blank",
                helps=(f"make the last layer {self.blank + 1} wide or more",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"tokens": tokens(x.time, x.features, batch=x.axes[0].dim)}
