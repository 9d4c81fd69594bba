"""Attention in heads is torch's own module with the same weights, and has a result where nothing may be attended to."""

from __future__ import annotations

import pytest
import torch
from s2sc.runtime.attention_heads import attendable
from s2sc.runtime.layers.cross_attention import CrossAttention
from s2sc.runtime.layers.self_attention import SelfAttention
from torch import Tensor, nn

FEATURES, WIDTH, HEADS = 12, 10, 3
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def varied(layer: nn.Module) -> nn.Module:
    """Weights that are all different, biases too."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0.0, 0.3)
    return layer


def padding(lengths: Tensor, time: int) -> Tensor:
    return torch.arange(time) >= lengths[:, None]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_is_torchs(causal: bool, bias: bool) -> None:
    torch.manual_seed(0)
    ours = SelfAttention(features=FEATURES, heads=HEADS, causal=causal, dropout=0.0, bias=bias)
    varied(ours)
    theirs = nn.MultiheadAttention(FEATURES, HEADS, bias=bias, batch_first=True)
    weights = {"in_proj_weight": ours.weight, "out_proj.weight": ours.out_weight}
    if ours.bias is not None and ours.out_bias is not None:
        weights |= {"in_proj_bias": ours.bias, "out_proj.bias": ours.out_bias}
    theirs.load_state_dict(weights)
    x_BTC, lengths = torch.randn(3, 7, FEATURES), torch.tensor([7, 4, 1])
    later = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1) if causal else None
    expected, _ = theirs(x_BTC, x_BTC, x_BTC, key_padding_mask=padding(lengths, 7), attn_mask=later)
    found = ours(x_BTC, lengths=lengths)
    real = ~padding(lengths, 7)
    torch.testing.assert_close(found[real], expected[real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_cross_attention_to_a_memory_of_another_width_is_torchs(bias: bool) -> None:
    torch.manual_seed(0)
    ours = CrossAttention(features=FEATURES, memory_features=WIDTH, heads=HEADS, dropout=0.0, bias=bias)
    varied(ours)
    theirs = nn.MultiheadAttention(FEATURES, HEADS, bias=bias, kdim=WIDTH, vdim=WIDTH, batch_first=True)
    keys, values = ours.memory_weight.chunk(2)
    weights = {"q_proj_weight": ours.weight, "k_proj_weight": keys, "v_proj_weight": values}
    weights["out_proj.weight"] = ours.out_weight
    if ours.bias is not None and ours.memory_bias is not None and ours.out_bias is not None:
        weights |= {"in_proj_bias": torch.cat([ours.bias, ours.memory_bias]), "out_proj.bias": ours.out_bias}
    theirs.load_state_dict(weights)
    x_BTC, memory_BSC, lengths = torch.randn(3, 5, FEATURES), torch.randn(3, 9, WIDTH), torch.tensor([9, 2, 6])
    expected, _ = theirs(x_BTC, memory_BSC, memory_BSC, key_padding_mask=padding(lengths, 9))
    found = ours(x_BTC, memory_BSC, memory_lengths=lengths)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_row_of_nothing_attends_to_its_first_place_and_all_others_to_what_is_real() -> None:
    real_BS = ~padding(torch.tensor([3, 0, 1]), 3)
    assert attendable(real_BS).squeeze().int().tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert attendable(real_BS).shape == (3, 1, 1, 3)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_a_row_of_nothing_gives_numbers_and_gradients(causal: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x_BTC = torch.randn(3, 7, FEATURES, dtype=dtype, requires_grad=True)
    memory_BSC = torch.randn(3, 9, WIDTH, dtype=dtype, requires_grad=True)
    lengths = torch.tensor([7, 0, 3])
    within = SelfAttention(features=FEATURES, heads=HEADS, causal=causal, dropout=0.0, bias=True)
    across = CrossAttention(features=FEATURES, memory_features=WIDTH, heads=HEADS, dropout=0.0, bias=True)
    y_BTC = across(within(x_BTC, lengths=lengths), memory_BSC, memory_lengths=lengths)
    assert y_BTC.isfinite().all()
    y_BTC.float().sum().backward()
    for tensor in (x_BTC, memory_BSC, *within.parameters(), *across.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
