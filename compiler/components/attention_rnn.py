"""A recurrent cell that attends."""

from __future__ import annotations

from collections.abc import Mapping

from ..attention_score import KINDS, Score, check_score, check_sizes
from ..component import Component, Mismatch, component
from ..part import param
from ..recurrence import check_initial, initial_states
from ..step_form import StepForm, carried
from ..tensor_type import TensorType

_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@component("attention_rnn")
class AttentionRnn(Component):
    """Recurrent cell whose next input holds what it attended to (Bahdanau et al. 2015, Luong et al. 2015, GNMT).

        h_t = cell([x_t; f_(t-1)], h_(t-1))                                           f_(-1) = 0
        context_t = sum over s of softmax(score(h_t, m_s)) * m_s                      scores as in attention

        feed = "context"       f_t = context_t,                       y_t = h_t
        feed = "attentional"   f_t = tanh(W [context_t; h_t]),        y_t = f_t       (Luong's input feeding)

    previous_t is context_(t-1): what GNMT hands to the layers above, where its second version hands context_t. Cells
    are those of lstm (forget bias from 1), gru and rnn (tanh). While training it is a loop over the tokens, with
    everything outside that does not wait for what was attended to: the memory's projection, the product of x for all
    tokens, and all gradients of weights.
    """

    signature = (
        "(x: seq[B,T,D], memory: seq[B,S,C], h0: [B,L,H] = none, c0: [B,L,H] = none)"
        " => (y: seq[B,T,_], context: seq[B,T,C], previous: seq[B,T,C])"
    )
    precision = "half"
    reads_all = True
    mixes_time = ("memory",)
    loops = True
    weighs = "memory"

    size: int = param(doc="width of the state", unit_doc="features", minimum=1)
    cell: str = param(default="lstm", doc="what holds the state", choices=("lstm", "gru", "rnn"))
    kind: str = param(default="bahdanau", doc="how the state is compared with a place of the memory", choices=KINDS)
    attention_size: int | None = param(
        default=None,
        doc="width of the comparison and of the attentional vector, none for `size`",
        unit_doc="features",
        minimum=1,
    )
    normalize: bool = param(default=False, doc="normalise the weight of the bahdanau score, and train its length")
    scale: bool = param(default=False, doc="train a number that multiplies the scores of dot and general")
    feed: str = param(default="context", doc="what the next input holds", choices=("context", "attentional"))

    def check_params(self) -> None:
        check_score(self, width="attention_size" if self.feed == "context" else "")

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        check_sizes(self, self._score(inputs["memory"][0].features), query="a state")
        if self.cell != "lstm" and inputs.get("c0"):
            raise self._no_cell_state()
        check_initial(self, inputs, 1, "1 layer")

    def _no_cell_state(self) -> Mismatch:
        return Mismatch(
            "S2S202",
            f'attention_rnn(cell = "{self.cell}") has no use of `c0`: only lstm has a second state',
            helps=("leave out `c0`",),
        )

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x, memory = inputs["x"][0], inputs["memory"][0]
        context = x.with_last(memory.features)
        return {
            "y": x.with_last(self._width if self._is_vector else self.size),
            "context": context,
            "previous": context,
        }

    @property
    def _width(self) -> int:
        return self.attention_size or self.size

    @property
    def _is_vector(self) -> bool:
        return self.feed == "attentional"

    @property
    def _states(self) -> tuple[str, ...]:
        return ("h", "c") if self.cell == "lstm" else ("h",)

    def _score(self, memory: int) -> Score:
        return Score(self.kind, self.size, memory, self._width, self.normalize, self.scale)

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        features, width = inputs["x"][0].features, inputs["memory"][0].features
        rows = _GATES[self.cell] * self.size
        fed = self._width if self._is_vector else width
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, features + fed),
            "weight_hh": (rows, self.size),
            "bias": (rows,),
        }
        if self.cell == "gru":
            shapes["bias_hn"] = (self.size,)
        if self._is_vector:
            shapes["vector_weight"] = (self._width, width + self.size)
        return {**shapes, **self._score(width).weights()}

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, features = inputs["x"][0]
        _, places, width = inputs["memory"][0]
        fed = self._width if self._is_vector else width
        cell = _GATES[self.cell] * self.size * (features + fed + self.size)
        vector = self._width * (width + self.size) * self._is_vector
        attended = self._score(width).macs(batch=batch, queries=time, places=places, features=width)
        return batch * time * (cell + vector) + attended

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        batch, time, _ = inputs["x"][0]
        _, places, width = inputs["memory"][0]
        score = self._score(width)
        fed = self._width if self._is_vector else width
        gates = _GATES[self.cell] * self.size
        # by token: products, gates, states and what is fed
        by_token = 2 * gates + 4 * self.size + fed
        kept = score.kept(batch=batch, queries=time, places=places) + batch * time * by_token
        return kept * item_bytes + batch * time * places * (4 + item_bytes)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if "memory" in stepped:
            raise self.looks_ahead(
                "attention_rnn reads all of its memory, and it is made of target tokens that come later",
                help="give it an encoder's result as memory",
            )
        given = initial_states(self, self._states, inputs, stepped)
        memory = inputs["memory"][0]
        once = (
            carried("keys", memory.time, self._score(memory.features).compared),
            carried("values", memory.time, memory.features),
            carried("real", memory.time, dtype="bool"),
        )
        state = [carried(name, self.size) for name in self._states]
        state.append(carried("attended", memory.features))
        if self._is_vector:
            state.append(carried("vector", self._width))
        return StepForm(once, tuple(state), given)
