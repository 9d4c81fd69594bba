"""Best path decoding on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from ..real_frames import real_frames


def greedy_ctc(scores_BTV: Tensor, lengths_B: Tensor, *, blank: int) -> list[list[int]]:
    """Take the likeliest class of each real frame, merge repeats, drop blanks; one list of tokens for each row.

    scores_BTV  logits or log probabilities; the first of equal ones wins
    """
    tokens_BT, num_tokens_B = best_path_tokens(scores_BTV, lengths_B, blank=blank)
    # one transfer for the whole batch
    rows = torch.cat([num_tokens_B.unsqueeze(1), tokens_BT], 1).tolist()
    return [row[1 : 1 + row[0]] for row in rows]


def best_path_tokens(scores_BTV: Tensor, lengths_B: Tensor, *, blank: int) -> tuple[Tensor, Tensor]:
    """The same as tensors: tokens int64 [B, T] (what lies behind a row's count is 0) and their number [B]."""
    classes_BT = scores_BTV.argmax(-1)
    kept_BT = real_frames(lengths_B, classes_BT.shape[1]) & (classes_BT != blank)
    kept_BT[:, 1:] &= classes_BT[:, 1:] != classes_BT[:, :-1]
    # what is dropped goes to a column of its own, behind the others
    places_BT = torch.where(kept_BT, kept_BT.cumsum(1) - 1, classes_BT.shape[1])
    tokens_BT = classes_BT.new_zeros(classes_BT.shape[0], classes_BT.shape[1] + 1)
    tokens_BT.scatter_(1, places_BT, classes_BT)
    return tokens_BT[:, :-1], kept_BT.sum(1)
