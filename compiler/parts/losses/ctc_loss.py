"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ...component import Component, Mismatch, component
from ...part import param
from ...tensor_type import Axis, TensorType


@component("ctc_loss", family="loss")
class CtcLoss(Component):
    """Negative log likelihood of a text, summed over all its alignments to the frames (Graves et al. 2006).

        loss[b] = -log sum over paths p with collapse(p) = target[b] of product over t of softmax(logits[b, t])[p[t]]

    `collapse` merges repeats and drops blanks. One number for each example, not divided by its length. A text that
    does not fit into its frames (labels + repeats > frames) has loss 0 and is counted.
    """

    signature = "(logits: seq[B,T,V], target: seq[B,U]) => (loss: [B])"
    precision = "fp32"
    tokens = ("target",)
    saves = ()
    # Frames past the end are no part of any path.
    cleans = True

    blank: int = param(doc="class that stands for no symbol", minimum=0)

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        classes = inputs["logits"][0].features
        vocabulary = inputs["target"][0].vocabulary
        if vocabulary is not None and classes < vocabulary + 1:
            raise Mismatch(
                "S2S410",
                f"ctc_loss needs {vocabulary + 1} logits, {vocabulary} symbols and the blank, got {classes}",
                at=f"{classes} logits for {vocabulary} symbols and the blank",
                helps=(f"make the last layer {vocabulary + 1} wide (pad_to(8, {vocabulary + 1}) for speed)",),
            )
        if self.blank >= classes:
            raise Mismatch(
                "S2S410",
                f"ctc_loss has blank = {self.blank} but the logits have the classes 0 to {classes - 1}",
                at=f"blank = {self.blank}",
                param="blank",
                helps=(f"make the last layer {self.blank + 1} wide or more",),
            )
        if vocabulary is not None and self.blank < vocabulary:
            raise Mismatch(
                "S2S410",
                f"ctc_loss has blank = {self.blank}, which is a symbol: the symbols are 0 to {vocabulary - 1}",
                at="the blank comes behind the symbols",
                param="blank",
                instead=str(vocabulary),
                helps=(f"write blank = {vocabulary}, the size of the alphabet",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        batch: Axis = inputs["logits"][0].axes[0]
        return {"loss": TensorType("tensor", (batch,))}

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        """Bytes of the float32 log probabilities and of the forward variables, [B, T, 2 U + 1]."""
        batch, time, classes = inputs["logits"][0]
        return 4 * prod((batch, time, classes + 2 * inputs["target"][0][1] + 1))
