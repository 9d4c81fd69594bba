"""A recurrent cell that attends."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.attention_score import are_kept
from ...compiler.component import Component
from ..attention_score import ScoringLayer, additive_scores, real_places, weighted_sum
from ..late_gradient import LateProduct
from .layer import Inputs

_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class AttentionRnn(ScoringLayer):
    """Recurrent cell whose next input holds what it attended to (Bahdanau et al. 2015, Luong et al. 2015)."""

    layout = "BTC"
    needs = ("memory_lengths",)

    def __init__(
        self,
        *,
        features: int,
        memory_features: int,
        size: int,
        cell: str = "lstm",
        kind: str = "bahdanau",
        attention_size: int | None = None,
        normalize: bool = False,
        scale: bool = False,
        feed: str = "context",
    ) -> None:
        super().__init__()
        self.features, self.size, self.cell = features, size, cell
        width, rows = attention_size or size, _GATES[cell] * size
        fed = memory_features if feed == "context" else width
        self.weight_ih = nn.Parameter(torch.empty(rows, features + fed))
        self.weight_hh = nn.Parameter(torch.empty(rows, size))
        self.bias = nn.Parameter(torch.empty(rows))
        self.bias_hn = nn.Parameter(torch.empty(size)) if cell == "gru" else None
        self.vector_weight = nn.Parameter(torch.empty(width, memory_features + size)) if feed == "attentional" else None
        bound = 1.0 / math.sqrt(size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        if cell == "lstm":
            self.bias.data[size : 2 * size] = 1.0
        self.make_score(kind, query=size, memory=memory_features, width=width, normalize=normalize, scale=scale)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        features = {"features": inputs["x"][0].features, "memory_features": inputs["memory"][0].features}
        return {**features, **operation.values()}

    def forward(
        self,
        x_BTD: Tensor,
        memory_BSC: Tensor,
        *,
        h0: Tensor | None = None,
        c0: Tensor | None = None,
        memory_lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give y [B, T, size or that of the vector], the contexts [B, T, C], and those of the token before."""
        dtype = x_BTD.dtype
        keys_BSA, real_BS = self.keys(memory_BSC), real_places(memory_BSC, memory_lengths)
        sizes = [self.features, self.weight_ih.shape[1] - self.features]
        weight_of_x, weight_of_fed = torch.split(self.weight_ih.to(dtype), sizes, 1)
        gates_BTG = F.linear(x_BTD, weight_of_x, self.bias.to(dtype))
        recur = self._recurrence(weight_of_fed, dtype)
        attend = self._attention(keys_BSA, memory_BSC, real_BS, num_tokens=x_BTD.shape[1])
        zeros_BH = x_BTD.new_zeros(x_BTD.shape[0], self.size)
        states = tuple(zeros_BH if start is None else start[:, 0].to(dtype) for start in (h0, c0))
        fed_BF = x_BTD.new_zeros(x_BTD.shape[0], weight_of_fed.shape[1])
        results: list[Tensor] = []
        contexts: list[Tensor] = []
        for gates_BG in gates_BTG.unbind(1):
            states = recur(gates_BG, fed_BF, states)
            context_BC, fed_BF = attend(states[0])
            contexts.append(context_BC)
            results.append(states[0] if self.vector_weight is None else fed_BF)
        context_BTC = torch.stack(contexts, 1)
        return torch.stack(results, 1), context_BTC, F.pad(context_BTC, (0, 0, 1, -1))

    def _recurrence(
        self, weight_of_fed: Tensor, dtype: torch.dtype
    ) -> Callable[[Tensor, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]:
        """The cell as a function of the part of its gates that x makes, what is fed, and the states."""
        weight_of_h = self.weight_hh.to(dtype)
        if self.bias_hn is None:
            product = LateProduct(torch.cat([weight_of_fed, weight_of_h], 1))
            return lambda gates_BG, fed_BF, states: self._gated(
                product(torch.cat([fed_BF, states[0]], 1), gates_BG), None, states
            )
        of_fed, of_h = LateProduct(weight_of_fed.contiguous()), LateProduct(weight_of_h)
        return lambda gates_BG, fed_BF, states: self._gated(of_fed(fed_BF, gates_BG), of_h(states[0]), states)

    def _gated(self, gates_BG: Tensor, past_BG: Tensor | None, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The new states; `past_BG` is the part of gru's gates that its own state makes."""
        if self.cell == "rnn":
            return torch.tanh(gates_BG), *states[1:]
        if self.cell == "lstm":
            i_BH, f_BH, g_BH, o_BH = gates_BG.chunk(4, 1)
            c_BH = torch.addcmul(torch.sigmoid(f_BH) * states[1], torch.sigmoid(i_BH), torch.tanh(g_BH))
            return torch.sigmoid(o_BH) * torch.tanh(c_BH), c_BH
        assert past_BG is not None
        assert self.bias_hn is not None
        r_BH, z_BH, n_BH = gates_BG.chunk(3, 1)
        past_r_BH, past_z_BH, past_n_BH = past_BG.chunk(3, 1)
        past_n_BH = past_n_BH + self.bias_hn.to(past_BG.dtype)
        n_BH = torch.tanh(torch.addcmul(n_BH, torch.sigmoid(r_BH + past_r_BH), past_n_BH))
        return torch.lerp(n_BH, states[0], torch.sigmoid(z_BH + past_z_BH)), *states[1:]

    def _attention(
        self, keys_BSA: Tensor, memory_BSC: Tensor, real_BS: Tensor, *, num_tokens: int
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What a state attends to, and what of it is fed to the next token."""
        dtype = keys_BSA.dtype
        context = self._context(keys_BSA, memory_BSC, real_BS, num_tokens=num_tokens)
        if self.vector_weight is None:
            return lambda h_BH: (context(h_BH),) * 2
        product = LateProduct(self.vector_weight.to(dtype))

        def attend(h_BH: Tensor) -> tuple[Tensor, Tensor]:
            context_BC = context(h_BH)
            return context_BC, torch.tanh(product(torch.cat([context_BC, h_BH], 1)))

        return attend

    def _context(
        self, keys_BSA: Tensor, memory_BSC: Tensor, real_BS: Tensor, *, num_tokens: int
    ) -> Callable[[Tensor], Tensor]:
        """The context of a state."""
        dtype = keys_BSA.dtype
        if self.query_weight is None:
            # for one query scaled_dot_product_attention would copy all keys
            scaled_BSA = keys_BSA if self.score_gain is None else keys_BSA * self.score_gain.to(dtype)
            keys_BAS = scaled_BSA.transpose(1, 2)
            return lambda h_BH: weighted_sum(torch.bmm(h_BH.unsqueeze(1), keys_BAS), memory_BSC, real_BS).squeeze(1)
        product = LateProduct(self.query_weight.to(dtype))
        # the bias belongs to every sum, so it may as well belong to the keys
        biased_BSA = keys_BSA if self.score_bias is None else keys_BSA + self.score_bias.to(dtype)
        weight_A, keep = self.direction(dtype), are_kept(num_tokens * keys_BSA.numel())

        def context(h_BH: Tensor) -> Tensor:
            scores_B1S = additive_scores(product(h_BH).unsqueeze(1), biased_BSA, weight_A, keep=keep)
            return weighted_sum(scores_B1S, memory_BSC, real_BS).squeeze(1)

        return context

    def _fed(self, context_BC: Tensor, h_BH: Tensor) -> Tensor:
        if self.vector_weight is None:
            return context_BC
        return torch.tanh(F.linear(torch.cat([context_BC, h_BH], 1), self.vector_weight.to(h_BH.dtype)))

    def begin(
        self,
        *,
        memory: Tensor,
        h0: Tensor | None = None,
        c0: Tensor | None = None,
        memory_lengths: Tensor | None = None,
    ) -> dict[str, Tensor]:
        starts = {name: start[:, 0] for name, start in (("h", h0), ("c", c0)) if start is not None}
        return {"keys": self.keys(memory), "values": memory, "real": real_places(memory, memory_lengths), **starts}

    def step(
        self,
        *,
        position: Tensor,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        real: Tensor,
        h: Tensor,
        attended: Tensor,
        c: Tensor | None = None,
        vector: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        dtype = x.dtype
        fed_BF = attended if vector is None else vector
        gates_BG = F.linear(torch.cat([x[:, 0], fed_BF], 1), self.weight_ih.to(dtype), self.bias.to(dtype))
        past_BG = F.linear(h, self.weight_hh.to(dtype))
        if self.cell != "gru":
            gates_BG = gates_BG + past_BG
        states = self._gated(gates_BG, past_BG, (h,) if c is None else (h, c))
        context = self.attend(states[0].unsqueeze(1), keys, values, real)
        new_fed_BF = self._fed(context[:, 0], states[0])
        y = states[0] if vector is None else new_fed_BF
        state = (*states, context[:, 0]) if vector is None else (*states, context[:, 0], new_fed_BF)
        return y.unsqueeze(1), context, attended.unsqueeze(1), *state
