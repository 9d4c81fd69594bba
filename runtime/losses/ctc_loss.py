"""Connectionist temporal classification."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..layers.layer import Layer


class CtcLoss(Layer):
    """Negative log likelihood of each text over all its alignments to the frames (Graves et al. 2006), in float32.

    After a call `infeasible_B` (bool, on the device) tells which texts did not fit into their frames.
    """

    layout = "BTC"
    needs = ("logits_lengths", "target_lengths")

    infeasible_B: Tensor | None = None

    def __init__(self, *, blank: int) -> None:
        super().__init__()
        self.blank = blank

    def example_weight(self, target_lengths: Tensor) -> Tensor:
        """What a batch's sum is divided by, for each example [B]: 1."""
        return torch.ones_like(target_lengths)

    def forward(self, logits_BTV: Tensor, target: Tensor, *, logits_lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """Give the loss of each example, [B]: summed over the text, 0 (and no gradient) where it does not fit.

        target  int64 [B, U]; numbers at or beyond a row's length are not read
        """
        self.infeasible_B = frames_needed(target, target_lengths) > logits_lengths
        log_probs_TBV = F.log_softmax(logits_BTV.float(), -1).transpose(0, 1)
        return F.ctc_loss(
            log_probs_TBV,
            target,
            logits_lengths,
            target_lengths,
            blank=self.blank,
            reduction="none",
            zero_infinity=True,
        )


def frames_needed(target_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
    """The fewest frames that a text fits into: its labels, and a blank between equal neighbours."""
    repeats_BU = target_BU[:, 1:] == target_BU[:, :-1]
    place_U = torch.arange(1, target_BU.shape[1], device=target_BU.device)
    return target_lengths_B + (repeats_BU & (place_U < target_lengths_B.unsqueeze(1))).sum(1)
