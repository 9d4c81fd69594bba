"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import component
from ..part import param
from ..recurrence import Recurrence


@component("lstm")
class Lstm(Recurrence):
    """Long short-term memory over a sequence (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

        i, f, g, o = split(W_ih x_t + W_hh h_(t-1) + bias)
        c_t = sigmoid(f) * c_(t-1) + sigmoid(i) * tanh(g)
        h_t = sigmoid(o) * tanh(c_t)

    One bias for each gate, as in the original's cells: 4 * size numbers a layer and direction fewer than torch.nn.LSTM
    has with its two. y holds h_t of the last layer; h and c are the last states [B, layers * directions, size].
    """

    signature = "(x: seq[B,T,D], h0: [B,L,H] = none, c0: [B,L,H] = none) => (y: seq[B,T,_], h: [B,L,_], c: [B,L,_])"
    num_gates = 4
    states = ("h", "c")

    forget_bias: float = param(default=1.0, doc="value that the bias of the forget gate starts from")

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": 1.0, "h": 1.0}

    def _kept(self, features: int) -> int:
        # what oneDNN keeps, fitted to within a tenth; cuDNN keeps less
        return 10 * self.size + 6 * max(self.size, features)
