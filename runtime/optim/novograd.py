"""NovoGrad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...compiler.parts.optim.novograd import NovoGrad
from .groups import NamedParameter, decayed
from .norms import norms
from .stepping import State, SteppingOptimizer, Tensors


def build(part: NovoGrad, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters; biases and normalisations are in a group without decay."""
    return NovoGradOptimizer(
        decayed(parameters, part.weight_decay),
        lr=part.lr,
        beta1=part.beta1,
        beta2=part.beta2,
        epsilon=part.epsilon,
        averaged=part.averaged,
    )


class NovoGradOptimizer(SteppingOptimizer):
    """Ginsburg et al. 2019, algorithm 1."""

    def begin(self, weight: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        # no norm is below 0: this one says that there was none
        unknown = torch.full((), -1.0, dtype=torch.float32, device=weight.device)
        return {"square": unknown, "step": torch.zeros_like(weight)}

    def update(
        self, weights: Tensors, gradients: Tensors, state: State, group: Mapping[str, Any]
    ) -> tuple[Tensors, State]:
        before, now = torch.stack(state["square"]), norms(gradients).square()
        squares = torch.where(before < 0, now, torch.lerp(now, before, group["beta2"]))
        direction = torch._foreach_div(gradients, (squares.sqrt() + group["epsilon"]).unbind())
        if group["weight_decay"]:
            torch._foreach_add_(direction, weights, alpha=group["weight_decay"])
        if group["averaged"]:
            torch._foreach_mul_(direction, 1 - group["beta1"])
        step = torch._foreach_mul(state["step"], group["beta1"])
        torch._foreach_add_(step, direction)
        new = torch._foreach_add(weights, step, alpha=-group["lr"])
        return new, {"square": squares.unbind(), "step": step}
