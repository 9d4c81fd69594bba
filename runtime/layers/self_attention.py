"""Attention of a sequence to itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from ..attention_heads import attend, attendable, join_heads, split_heads, written
from ..real_frames import real_frames
from .layer import Inputs, Layer


class SelfAttention(Layer):
    """Queries, keys and values by one product; weights start as Xavier's (Glorot & Bengio 2010)."""

    layout = "BTC"
    needs = ("lengths",)

    def __init__(self, *, features: int, heads: int, causal: bool, dropout: float, bias: bool) -> None:
        super().__init__()
        self.heads, self.causal, self.dropout = heads, causal, dropout
        self.weight = nn.Parameter(torch.empty(3 * features, features))
        self.out_weight = nn.Parameter(torch.empty(features, features))
        self.bias = nn.Parameter(torch.zeros(3 * features)) if bias else None
        self.out_bias = nn.Parameter(torch.zeros(features)) if bias else None
        for matrix in (*self.weight.chunk(3), self.out_weight):
            nn.init.xavier_uniform_(matrix)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def forward(self, x_BTC: Tensor, *, lengths: Tensor) -> Tensor:
        queries, keys, values = self._projected(x_BTC)
        dropout = self.dropout if self.training else 0.0
        # padding is on the right, where no causal token looks
        real = None if self.causal else attendable(real_frames(lengths, x_BTC.shape[1]))
        return self._out(attend(queries, keys, values, real, causal=self.causal, dropout=dropout))

    def step(self, *, position: Tensor, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, ...]:
        query, key, value = self._projected(x)
        keys, values = written(keys, key, position), written(values, value, position)
        seen_M = torch.arange(keys.shape[2], device=x.device) <= position
        return self._out(attend(query, keys, values, seen_M[None, None, None])), keys, values

    def _projected(self, x_BTC: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bias = None if self.bias is None else self.bias.to(x_BTC.dtype)
        queries, keys, values = F.linear(x_BTC, self.weight.to(x_BTC.dtype), bias).chunk(3, 2)
        return split_heads(queries, self.heads), split_heads(keys, self.heads), split_heads(values, self.heads)

    def _out(self, x_BHTC: Tensor) -> Tensor:
        bias = None if self.out_bias is None else self.out_bias.to(x_BHTC.dtype)
        return F.linear(join_heads(x_BHTC), self.out_weight.to(x_BHTC.dtype), bias)
