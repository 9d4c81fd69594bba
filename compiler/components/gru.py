"""Gated recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import component
from ..recurrence import Recurrence


@component("gru")
class Gru(Recurrence):
    """Gated recurrent unit over a sequence (Cho et al. 2014), in the form of cuDNN: the reset gate acts on the product.

        r, z, n = split(W_ih x_t + bias),   r', z', n' = split(W_hh h_(t-1))
        h_t = (1 - u) * tanh(n + sigmoid(r + r') * (n' + bias_hn)) + u * h_(t-1)   with u = sigmoid(z + z')

    One bias for each gate and one for the product that is reset: 2 * size numbers a layer and direction fewer than
    torch.nn.GRU has. y holds h_t of the last layer; h is the last state [B, layers * directions, size].
    """

    signature = "(x: seq[B,T,D], h0: [B,L,H] = none) => (y: seq[B,T,_], h: [B,L,_])"
    num_gates = 3

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return dict.fromkeys(("y", "h"), max((1.0, *inputs.get("h0", ()))))

    def _cell(self, name: str, features: int) -> dict[str, tuple[int, ...]]:
        return {**super()._cell(name, features), f"bias_hn_{name}": (self.size,)}
