"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...compiler.parts.optim.adagrad import Adagrad
from .groups import NamedParameter


def build(part: Adagrad, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    weights = [parameter.tensor for parameter in parameters]
    return torch.optim.Adagrad(
        weights, lr=part.lr, initial_accumulator_value=part.initial, eps=part.epsilon, foreach=True
    )
