"""Cross entropy of a sequence of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ...component import Component, Mismatch, component
from ...part import param
from ...tensor_type import Axis, TensorType


@component("cross_entropy", family="loss")
class CrossEntropy(Component):
    """Negative log likelihood of the target's tokens, each given those before it, with label smoothing.

        loss[b] = sum over t < length[b] of sum over c of - q[t, c] * log softmax(logits[b, t])[c]
        q[t, c] = smoothing / V + (1 - smoothing if c = target[b, t] else 0)

    Smoothing (Szegedy et al. 2016, section 7) reaches the V classes that exist, not those of a padded vocabulary.
    Training divides the sum over a batch by its number of target tokens, or of examples. `floor` subtracts the entropy
    of q, the least that the loss can be, so that a perfect model has loss 0; the gradient is the same.
    """

    signature = "(logits: seq[B,U,V], target: seq[B,U]) => (loss: [B])"
    precision = "fp32"
    tokens = ("target",)
    saves = ()
    # tokens past the end are not counted
    cleans = True
    likelihoods = True

    smoothing: float = param(
        default=0.0, doc="share of the probability that all classes get alike", minimum=0, below=1, training=True
    )
    average: str = param(
        default="tokens", doc="what a batch's sum is divided by", choices=("tokens", "examples"), training=True
    )
    floor: bool = param(default=False, doc="subtract the least value that smoothing leaves", training=True)

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        classes = inputs["logits"][0].features
        vocabulary = inputs["target"][0].vocabulary
        if vocabulary is not None and classes < vocabulary:
            raise Mismatch(
                "S2S410",
                f"cross_entropy needs {vocabulary} logits, one for each token of the target, got {classes}",
                at=f"{classes} logits for {vocabulary} tokens",
                helps=(f"make the last layer {vocabulary} wide, with data.target.vocab",),
            )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        batch: Axis = inputs["logits"][0].axes[0]
        return {"loss": TensorType("tensor", (batch,))}

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        """Bytes of the float32 log probabilities."""
        return 4 * prod(inputs["logits"][0])
