"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.adamw import AdamW
from .groups import NamedParameter, decayed


def build(part: AdamW, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters; biases and normalisations are in a group without decay."""
    return torch.optim.AdamW(
        decayed(parameters, part.weight_decay),
        lr=part.lr,
        betas=(part.beta1, part.beta2),
        eps=part.epsilon,
        fused=True,
    )
