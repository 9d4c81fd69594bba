"""The few greatest of very many numbers."""

from __future__ import annotations

import torch
from torch import Tensor

# numbers whose maximum is found first
_CHUNK = 64


def likeliest(scores_RV: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` greatest of each row and their places [R, k], the greatest first; NaN comes before all others.

    On a CPU torch's topk goes through a row number by number. Maxima of chunks are found by vector instructions, and
    the `k` greatest numbers are all in the `k` chunks whose maxima are the greatest.
    """
    rows, width = scores_RV.shape
    whole = width - width % _CHUNK
    if scores_RV.device.type != "cpu" or whole // _CHUNK <= 2 * k:
        values, places = scores_RV.topk(min(k, width), -1)
        return values, places
    chunks_RNC = scores_RV[:, :whole].reshape(rows, -1, _CHUNK)
    chosen_RK = chunks_RNC.amax(-1).topk(k, -1).indices
    offsets_C = torch.arange(_CHUNK, device=scores_RV.device)
    places = (chosen_RK[:, :, None] * _CHUNK + offsets_C).flatten(1)
    rest = torch.arange(whole, width, device=scores_RV.device).expand(rows, -1)
    places = torch.cat((places, rest), 1)
    values, found = scores_RV.gather(1, places).topk(k, -1)
    return values, places.gather(1, found)
