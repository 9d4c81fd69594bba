"""Attention of one sequence to another."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from ..attention_heads import attend, attendable, join_heads, split_heads
from ..real_frames import real_frames
from .layer import Inputs, Layer


class CrossAttention(Layer):
    """Keys and values by one product; weights start as Xavier's (Glorot & Bengio 2010)."""

    layout = "BTC"
    needs = ("memory_lengths",)

    def __init__(self, *, features: int, memory_features: int, heads: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.weight = nn.Parameter(torch.empty(features, features))
        self.memory_weight = nn.Parameter(torch.empty(2 * features, memory_features))
        self.out_weight = nn.Parameter(torch.empty(features, features))
        self.bias = nn.Parameter(torch.zeros(features)) if bias else None
        self.memory_bias = nn.Parameter(torch.zeros(2 * features)) if bias else None
        self.out_bias = nn.Parameter(torch.zeros(features)) if bias else None
        for matrix in (self.weight, *self.memory_weight.chunk(2), self.out_weight):
            nn.init.xavier_uniform_(matrix)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {
            "features": inputs["x"][0].features,
            "memory_features": inputs["memory"][0].features,
            **operation.values(),
        }

    def forward(self, x_BTC: Tensor, memory_BSC: Tensor, *, memory_lengths: Tensor) -> Tensor:
        begun = self.begin(memory=memory_BSC, memory_lengths=memory_lengths)
        return self._attended(x_BTC, dropout=self.dropout if self.training else 0.0, **begun)

    def begin(self, *, memory: Tensor, memory_lengths: Tensor) -> dict[str, Tensor]:
        bias = None if self.memory_bias is None else self.memory_bias.to(memory.dtype)
        keys, values = F.linear(memory, self.memory_weight.to(memory.dtype), bias).chunk(2, 2)
        real_BS = attendable(real_frames(memory_lengths, memory.shape[1]))[:, 0, 0]
        return {"keys": split_heads(keys, self.heads), "values": split_heads(values, self.heads), "real": real_BS}

    def step(self, *, position: Tensor, x: Tensor, keys: Tensor, values: Tensor, real: Tensor) -> tuple[Tensor, ...]:
        return (self._attended(x, keys=keys, values=values, real=real),)

    def _attended(self, x_BTC: Tensor, *, keys: Tensor, values: Tensor, real: Tensor, dropout: float = 0.0) -> Tensor:
        bias = None if self.bias is None else self.bias.to(x_BTC.dtype)
        out_bias = None if self.out_bias is None else self.out_bias.to(x_BTC.dtype)
        queries = split_heads(F.linear(x_BTC, self.weight.to(x_BTC.dtype), bias), self.heads)
        found = attend(queries, keys, values, real[:, None, None], dropout=dropout)
        return F.linear(join_heads(found), self.out_weight.to(x_BTC.dtype), out_bias)
