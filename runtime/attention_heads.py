"""Attention in several heads, and its key and value buffers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def split_heads(x_BTC: Tensor, heads: int) -> Tensor:
    """[B, T, heads * size] as [B, heads, T, size]."""
    batch, time, features = x_BTC.shape
    return x_BTC.view(batch, time, heads, features // heads).transpose(1, 2)


def join_heads(x_BHTC: Tensor) -> Tensor:
    """[B, heads, T, size] as [B, T, heads * size]."""
    return x_BHTC.transpose(1, 2).flatten(2)


def attend(
    queries_BHTC: Tensor,
    keys_BHSC: Tensor,
    values_BHSC: Tensor,
    real: Tensor | None,
    *,
    causal: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention [B, heads, T, size]; `real` (bool, broadcastable) says what may be attended to."""
    return F.scaled_dot_product_attention(
        queries_BHTC, keys_BHSC, values_BHSC, attn_mask=real, is_causal=causal, dropout_p=dropout
    )


def attendable(real_BS: Tensor) -> Tensor:
    """A mask [B, 1, 1, S] of real places; an empty row sees its first place, as attention over nothing is 0 / 0."""
    empty_B1 = ~real_BS.any(1, keepdim=True)
    first_S = torch.arange(real_BS.shape[1], device=real_BS.device) == 0
    return (real_BS | (empty_B1 & first_S))[:, None, None]


def written(buffer_BHMC: Tensor, new_BH1C: Tensor, position: Tensor) -> Tensor:
    """The buffer with one more place filled."""
    if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():
        places_M = torch.arange(buffer_BHMC.shape[2], device=buffer_BHMC.device)
        return torch.where((places_M == position)[:, None], new_BH1C, buffer_BHMC)
    return buffer_BHMC.index_copy_(2, position.unsqueeze(0), new_BH1C)
