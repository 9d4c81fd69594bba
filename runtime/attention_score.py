"""Attention by one trained score: keys made once of a memory, then a context for each query."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..compiler.attention_score import are_kept
from .layers.layer import Layer
from .real_frames import real_frames

# Sums behind a tanh that are held at once, by the kind of device: what a cache holds, what fills a GPU.
_NUMBERS_AT_ONCE = {"cpu": 1 << 18}
_NUMBERS_AT_ONCE_ELSEWHERE = 1 << 26


class ScoringLayer(Layer):
    """A layer that compares queries with a memory, by one of the kinds of attention(…)."""

    kind: str
    query_weight: Tensor | None
    memory_weight: Tensor | None
    score_weight: Tensor | None
    score_bias: Tensor | None
    score_gain: Tensor | None

    def make_score(self, kind: str, *, query: int, memory: int, width: int, normalize: bool, scale: bool) -> None:
        """Give the layer the weights of its score."""
        self.kind = kind
        additive = kind in ("bahdanau", "concat")
        keys = width if additive else query
        self.query_weight = _uniform(width, query) if additive else None
        self.memory_weight = _uniform(keys, memory) if kind != "dot" else None
        self.score_weight = _uniform(width) if additive else None
        self.score_bias = nn.Parameter(torch.zeros(width)) if normalize else None
        # where weight normalisation starts from, and a factor
        gain = math.sqrt(1.0 / width) if normalize else 1.0
        self.score_gain = nn.Parameter(torch.tensor(gain)) if normalize or scale else None

    def keys(self, memory_BSC: Tensor) -> Tensor:
        """What the queries are compared with, [B, S, A]."""
        if self.memory_weight is None:
            return memory_BSC
        return F.linear(memory_BSC, self.memory_weight.to(memory_BSC.dtype))

    def attend(self, query_BTD: Tensor, keys_BSA: Tensor, values_BSC: Tensor, real_BS: Tensor) -> Tensor:
        """The context [B, T, C] of each query."""
        if self.query_weight is None:
            if self.score_gain is not None:
                query_BTD = query_BTD * self.score_gain.to(query_BTD.dtype)
            one_head = (query_BTD.unsqueeze(1), keys_BSA.unsqueeze(1), values_BSC.unsqueeze(1))
            attended = F.scaled_dot_product_attention(*one_head, attn_mask=real_BS[:, None, None, :], scale=1.0)
            return attended.squeeze(1)
        dtype = query_BTD.dtype
        bias_A = None if self.score_bias is None else self.score_bias.to(dtype)
        compared_BTA = F.linear(query_BTD, self.query_weight.to(dtype), bias_A)
        keep = are_kept(compared_BTA.shape[1] * keys_BSA.numel())
        scores_BTS = additive_scores(compared_BTA, keys_BSA, self.direction(dtype), keep=keep)
        return weighted_sum(scores_BTS, values_BSC, real_BS)

    def direction(self, dtype: torch.dtype) -> Tensor:
        """The weight [A] of an additive score, normalised if it is so."""
        assert self.score_weight is not None
        weight_A = self.score_weight
        if self.score_gain is not None:
            exact_A = weight_A.float()
            weight_A = exact_A * (self.score_gain.float() * torch.rsqrt(exact_A.square().sum()))
        return weight_A.to(dtype)


def additive_scores(compared_BTA: Tensor, keys_BSA: Tensor, weight_A: Tensor, *, keep: bool) -> Tensor:
    """Give weight . tanh(query + key) for all pairs of projected queries and keys, [B, T, S].

    keep  whether the sums are kept for the backward pass or computed again
    """
    if torch.onnx.is_in_onnx_export():
        return F.linear(torch.tanh(compared_BTA.unsqueeze(2) + keys_BSA.unsqueeze(1)), weight_A[None]).squeeze(3)
    # torch leaves Function.apply without types
    scores_BTS: Tensor = _AdditiveScore.apply(compared_BTA, keys_BSA, weight_A, keep)  # type: ignore[no-untyped-call]
    return scores_BTS


def weighted_sum(scores_BTS: Tensor, values_BSC: Tensor, real_BS: Tensor) -> Tensor:
    """The mean of the values, weighted by the softmax of their scores in float32: [B, T, C]."""
    scores_BTS = scores_BTS.float().masked_fill(~real_BS.unsqueeze(1), torch.finfo(torch.float32).min)
    return torch.bmm(torch.softmax(scores_BTS, -1).to(values_BSC.dtype), values_BSC)


def real_places(memory_BSC: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Which places of a memory are attended to, [B, S]; of an empty memory the first one, which is zero."""
    if lengths_B is None:
        return torch.ones_like(memory_BSC[..., 0], dtype=torch.bool)
    return real_frames(lengths_B.clamp(min=1), memory_BSC.shape[1])


def _uniform(*shape: int) -> nn.Parameter:
    bound = 1.0 / math.sqrt(shape[-1])
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class _AdditiveScore(torch.autograd.Function):
    """score = weight . tanh(query + key) for all pairs, a few queries at a time: all sums are [B, T, S, A]."""

    @staticmethod
    def forward(ctx: Any, query_BTA: Tensor, keys_BSA: Tensor, weight_A: Tensor, keep: bool) -> Tensor:
        squashed: list[Tensor] = []
        scores: list[Tensor] = []
        for part_BTA in torch.split(query_BTA, _at_once(keys_BSA), 1):
            squashed_BTSA = _squashed(part_BTA, keys_BSA)
            scores.append(F.linear(squashed_BTSA, weight_A[None]).squeeze(3))
            if keep:
                squashed.append(squashed_BTSA)
        ctx.save_for_backward(query_BTA, keys_BSA, weight_A, *squashed)
        return scores[0] if len(scores) == 1 else torch.cat(scores, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BTS: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query_BTA, keys_BSA, weight_A, *kept = ctx.saved_tensors
        grad_query_BTA = torch.empty_like(query_BTA)
        grad_keys_BSA = torch.zeros_like(keys_BSA)
        grad_weight_A = torch.zeros_like(weight_A)
        at_once = _at_once(keys_BSA)
        for index, start in enumerate(range(0, query_BTA.shape[1], at_once)):
            part = slice(start, start + at_once)
            squashed_BTSA = kept[index] if kept else _squashed(query_BTA[:, part], keys_BSA)
            grad_BTS1 = grad_BTS[:, part].unsqueeze(3)
            weighted_BTSA = squashed_BTSA * grad_BTS1
            grad_weight_A += weighted_BTSA.sum((0, 1, 2))
            slope_BTSA = torch.addcmul(grad_BTS1, weighted_BTSA, squashed_BTSA, value=-1)
            grad_query_BTA[:, part] = slope_BTSA.sum(2)
            grad_keys_BSA += slope_BTSA.sum(1) if slope_BTSA.shape[1] > 1 else slope_BTSA[:, 0]
        return grad_query_BTA.mul_(weight_A), grad_keys_BSA.mul_(weight_A), grad_weight_A, None


def _squashed(query_BTA: Tensor, keys_BSA: Tensor) -> Tensor:
    return (query_BTA.unsqueeze(2) + keys_BSA.unsqueeze(1)).tanh_()


def _at_once(keys_BSA: Tensor) -> int:
    """How many queries are compared at once."""
    return max(1, _NUMBERS_AT_ONCE.get(keys_BSA.device.type, _NUMBERS_AT_ONCE_ELSEWHERE) // max(1, keys_BSA.numel()))
