"""LAMB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...compiler.parts.optim.lamb import Lamb
from .groups import NamedParameter, decayed
from .norms import norms
from .stepping import State, SteppingOptimizer, Tensors


def build(part: Lamb, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters; biases and normalisations are in a group without decay."""
    groups = decayed(parameters, part.weight_decay)
    return LambOptimizer(groups, lr=part.lr, beta1=part.beta1, beta2=part.beta2, epsilon=part.epsilon)


class LambOptimizer(SteppingOptimizer):
    """You et al. 2020, algorithm 2, with the identity as the scaling function."""

    def begin(self, weight: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        step = torch.zeros((), dtype=torch.float32, device=weight.device)
        return {"step": step, "mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}

    def update(
        self, weights: Tensors, gradients: Tensors, state: State, group: Mapping[str, Any]
    ) -> tuple[Tensors, State]:
        beta1, beta2 = group["beta1"], group["beta2"]
        steps = torch._foreach_add(state["step"], 1.0)
        mean = torch._foreach_lerp(state["mean"], gradients, 1 - beta1)
        square = torch._foreach_mul(state["square"], beta2)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - beta2)
        num_steps = torch.stack(steps)
        divisors = torch._foreach_div(square, (1 - beta2**num_steps).unbind())
        torch._foreach_sqrt_(divisors)
        torch._foreach_add_(divisors, group["epsilon"])
        direction = torch._foreach_div(mean, (1 - beta1**num_steps).unbind())
        torch._foreach_div_(direction, divisors)
        if group["weight_decay"]:
            torch._foreach_add_(direction, weights, alpha=group["weight_decay"])
        weight_norms, direction_norms = norms(weights), norms(direction)
        both = (weight_norms > 0) & (direction_norms > 0)
        trust = torch.where(both, weight_norms / direction_norms, 1.0)
        torch._foreach_mul_(direction, (-group["lr"] * trust).unbind())
        return torch._foreach_add(weights, direction), {"step": steps, "mean": mean, "square": square}
