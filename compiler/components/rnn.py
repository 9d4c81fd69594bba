"""Simple recurrence."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import component
from ..part import param
from ..recurrence import Recurrence


@component("rnn")
class Rnn(Recurrence):
    """Simple recurrent network over a sequence (Elman 1990): h_t = f(W_ih x_t + W_hh h_(t-1) + bias).

    One bias, where torch.nn.RNN has two. y holds h_t of the last layer; h is the last state
    [B, layers * directions, size].
    """

    signature = "(x: seq[B,T,D], h0: [B,L,H] = none) => (y: seq[B,T,_], h: [B,L,_])"
    num_gates = 1
    saves = ("x", "y")
    holds = False

    activation: str = param(default="tanh", doc="f", choices=("tanh", "relu"))

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": 1.0, "h": 1.0} if self.activation == "tanh" else {}

    def _kept(self, features: int) -> int:
        return 0
