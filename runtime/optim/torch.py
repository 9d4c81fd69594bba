"""An optimizer of torch, by its name there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...compiler.parts.optim.torch import Torch
from ...compiler.torch_optimizers import OPTIONS
from .groups import NamedParameter, decayed

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in vars(torch.optim).values()
    if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer) and cls.__name__ in OPTIONS
}


def build(part: Torch, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters; biases and normalisations are in a group without decay."""
    options: dict[str, Any] = part.options()
    decay = options.pop("weight_decay", None)
    groups = (
        [{"params": [one.tensor for one in parameters]}] if not isinstance(decay, float) else decayed(parameters, decay)
    )
    optimizer: torch.optim.Optimizer = _CLASSES[part.kind](groups, lr=part.lr, foreach=True, **options)
    return optimizer
