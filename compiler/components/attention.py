"""Attention with one trained score."""

from __future__ import annotations

from collections.abc import Mapping

from ..attention_score import KINDS, Score, check_score, check_sizes
from ..component import Component, component
from ..part import param
from ..step_form import StepForm, carried
from ..tensor_type import TensorType


@component("attention")
class Attention(Component):
    """Attend from each query to all places of a memory: context_t = sum over s of softmax(score(q_t, m_s)) * values_s.

    Scores, by kind:

        bahdanau   v . tanh(W_q q + W_m m)                     (Bahdanau et al. 2015)
                   g * v/|v| . tanh(W_q q + W_m m + b)         with `normalize` (Salimans & Kingma 2016)
        dot        q . m                                       (Luong et al. 2015, like the next two)
        general    q . W_m m
        concat     v . tanh(W [q; m])                          W in two parts, which makes it the first

    `scale` multiplies the scores of dot and general by a trained number. Values are the memory where none are given.
    Nobody attends to the memory's padding; the softmax is computed in float32. For a query that depends on what was
    attended to before there is attention_rnn.
    """

    signature = "(query: seq[B,T,D], memory: seq[B,S,C], values: seq[B,S,_] = none) => (context: seq[B,T,_])"
    precision = "half"
    reads_all = True
    mixes_time = ("memory", "values")
    weighs = "memory"

    kind: str = param(default="bahdanau", doc="how a query is compared with a place of the memory", choices=KINDS)
    size: int | None = param(
        default=None, doc="width of the comparison, none for the query's", unit_doc="features", minimum=1
    )
    normalize: bool = param(default=False, doc="normalise the weight of the bahdanau score, and train its length")
    scale: bool = param(default=False, doc="train a number that multiplies the scores of dot and general")

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"context": (inputs.get("values") or inputs["memory"])[0]}

    def check_params(self) -> None:
        check_score(self, width="size")

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        check_sizes(self, self.score(inputs), query="a query")

    def score(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> Score:
        """Its score at the sizes of its inputs."""
        return self._score(inputs["query"][0].features, inputs["memory"][0].features)

    def _score(self, query: int, memory: int) -> Score:
        return Score(self.kind, query, memory, self.size or query, self.normalize, self.scale)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        values = inputs.get("values") or inputs["memory"]
        return {"context": inputs["query"][0].with_last(values[0].features)}

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        return self.score(inputs).weights()

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, queries, features = inputs["query"][0]
        _, places, width = inputs["memory"][0]
        score = self._score(features, width)
        return score.macs(batch=batch, queries=queries, places=places, features=outputs["context"][-1])

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        batch, queries, features = inputs["query"][0]
        _, places, width = inputs["memory"][0]
        score = self._score(features, width)
        kept = score.kept(batch=batch, queries=queries, places=places)
        return kept * item_bytes + batch * queries * places * (4 + item_bytes)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        for name in ("memory", "values"):
            if name in stepped:
                raise self.looks_ahead(
                    f"attention reads all of its {name}, and they are made of target tokens that come later"
                    if name == "values"
                    else "attention reads all of its memory, and it is made of target tokens that come later",
                    help="give it an encoder's result as memory",
                )
        values = inputs.get("values") or inputs["memory"]
        memory = inputs["memory"][0]
        return StepForm(
            once=(
                carried("keys", memory.time, self.score(inputs).compared),
                carried("values", memory.time, values[0].features),
                carried("real", memory.time, dtype="bool"),
            )
        )
