"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.adamw import AdamW
from .groups import NamedParameter


def build(part: AdamW, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters; biases and normalisations are in a group without decay."""
    groups = [
        {"params": [p.tensor for p in parameters if p.kind == "weight"], "weight_decay": part.weight_decay},
        {"params": [p.tensor for p in parameters if p.kind != "weight"], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=part.lr,
        betas=(part.beta1, part.beta2),
        eps=part.epsilon,
        fused=True,
    )
