"""Attention by a trained score against its formulas, written out; its backward pass against finite differences."""

from __future__ import annotations

import pytest
import torch
from s2sc.runtime import attention_score
from s2sc.runtime.attention_score import additive_scores
from s2sc.runtime.layers.attention import Attention
from torch import Tensor

LENGTHS = torch.tensor([2, 3])


def score(layer: Attention, query_D: Tensor, memory_C: Tensor) -> Tensor:
    """One score as the papers write it."""
    gain = layer.score_gain if layer.score_gain is not None else torch.ones(())
    if layer.kind == "dot":
        return (gain * query_D).dot(memory_C)
    assert layer.memory_weight is not None
    if layer.kind == "general":
        return (gain * query_D).dot(layer.memory_weight @ memory_C)
    assert layer.query_weight is not None
    assert layer.score_weight is not None
    if layer.kind == "concat":
        both = torch.cat([layer.query_weight, layer.memory_weight], 1) @ torch.cat([query_D, memory_C])
        return layer.score_weight.dot(torch.tanh(both))
    sums = layer.query_weight @ query_D + layer.memory_weight @ memory_C
    if layer.score_bias is None:
        return layer.score_weight.dot(torch.tanh(sums))
    direction_A = layer.score_weight / layer.score_weight.square().sum().sqrt()
    return gain * direction_A.dot(torch.tanh(sums + layer.score_bias))


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("kind", ["bahdanau", "dot", "general", "concat"])
def test_contexts_are_those_of_the_formula(kind: str, trained: bool) -> None:
    torch.manual_seed(1)
    layer = Attention(
        query_features=4,
        memory_features=4 if kind == "dot" else 5,
        kind=kind,
        size=6,
        normalize=trained and kind == "bahdanau",
        scale=trained and kind in ("dot", "general"),
    )
    for weight in layer.parameters():
        torch.nn.init.normal_(weight)
    memory_BSC = torch.randn(2, 3, 4 if kind == "dot" else 5)
    query_BTD, values_BSC = torch.randn(2, 3, 4), torch.randn(2, 3, 2)
    found_BTC = layer(query_BTD, memory_BSC, values=values_BSC, memory_lengths=LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        for place, query_D in enumerate(query_BTD[row]):
            scores_S = torch.stack([score(layer, query_D, memory_C) for memory_C in memory_BSC[row, :length]])
            expected_C = scores_S.softmax(0) @ values_BSC[row, :length]
            torch.testing.assert_close(found_BTC[row, place], expected_C, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("numbers_at_once", [1, 100, 1 << 20])
def test_sums_in_parts_give_the_same_scores_and_gradients(
    numbers_at_once: int, keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_score, "_NUMBERS_AT_ONCE", {"cpu": numbers_at_once})
    torch.manual_seed(1)
    query, keys, weight = (
        torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 5, 4), (2, 3, 4), (4,))
    )
    expected = torch.tanh(query.unsqueeze(2) + keys.unsqueeze(1)) @ weight
    torch.testing.assert_close(additive_scores(query, keys, weight, keep=keep), expected)
    assert torch.autograd.gradcheck(lambda *factors: additive_scores(*factors, keep=keep), (query, keys, weight))


def test_a_row_without_memory_gets_a_context_of_zeros() -> None:
    for kind in ("bahdanau", "dot"):
        layer = Attention(query_features=4, memory_features=4, kind=kind)
        context_BTC = layer(torch.randn(1, 2, 4), torch.zeros(1, 3, 4), memory_lengths=torch.tensor([0]))
        assert not context_BTC.any()
