"""Encodings of places."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..part import param
from ..step_form import StepForm, carried
from ..tensor_type import TensorType


@component("positions")
class Positions(Component):
    """Add a vector for its place to each token.

    "sinusoidal" (Vaswani et al. 2017, 3.5; laid out as in tensor2tensor), for i = 0 … D/2 - 1:

        y[t, i]       = x[t, i]       + sin(t / 10000 ** (i / (D/2 - 1)))
        y[t, D/2 + i] = x[t, D/2 + i] + cos(t / 10000 ** (i / (D/2 - 1)))

    "learned" adds a trained vector for each of the first `max_tokens` places (Gehring et al. 2017); a longer text is
    refused.
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,T,D])"
    saves = ()

    kind: str = param(default="sinusoidal", doc="which encoding", choices=("sinusoidal", "learned"))
    max_tokens: int = param(default=1024, doc="places of a learned encoding", unit_doc="tokens", minimum=1)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0] + 1} if self.kind == "sinusoidal" else {}

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        features = inputs["x"][0].features
        if self.kind == "sinusoidal" and (features % 2 or features < 4):
            raise Mismatch(
                "S2S402",
                f"positions needs an even number of features, 4 or more, for sines and cosines, got {features}",
                at=f"{features} features",
                helps=("give it an even number of features", 'or say kind = "learned"'),
            )

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.max_tokens, inputs["x"][0].features)} if self.kind == "learned" else {}

    def most_places(self) -> int | None:
        return self.max_tokens if self.kind == "learned" else None

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        # no state of its own: the search knows the place
        return StepForm(state=(carried("place", dtype="int64"),))
