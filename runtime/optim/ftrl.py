"""Follow the regularized leader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...compiler.parts.optim.ftrl import Ftrl
from .groups import NamedParameter
from .stepping import State, SteppingOptimizer, Tensors


def build(part: Ftrl, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters."""
    groups = [{"params": [parameter.tensor for parameter in parameters]}]
    return FtrlOptimizer(groups, lr=part.lr, initial=part.initial, beta=part.beta, l1=part.l1, l2=part.l2)


class FtrlOptimizer(SteppingOptimizer):
    """McMahan et al. 2013, algorithm 1, with a rate that may change."""

    def begin(self, weight: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        # the inverse of the last step's rate; 0 before the first, whose q is measured from 0
        inverse = torch.zeros((), dtype=torch.float32, device=weight.device)
        sums = torch.full_like(weight, group["initial"])
        return {"squares": sums, "linear": torch.zeros_like(weight), "inverse_rate": inverse}

    def update(
        self, weights: Tensors, gradients: Tensors, state: State, group: Mapping[str, Any]
    ) -> tuple[Tensors, State]:
        squares = torch._foreach_addcmul(state["squares"], gradients, gradients, 1.0)
        before = self._roots(state["squares"], group)
        torch._foreach_mul_(before, state["inverse_rate"])
        quadratic = self._roots(squares, group)
        torch._foreach_mul_(quadratic, 1 / group["lr"])
        pull = torch._foreach_sub(quadratic, before)
        torch._foreach_mul_(pull, weights)
        linear = torch._foreach_add(state["linear"], gradients)
        torch._foreach_sub_(linear, pull)
        # towards 0 by l1, and not beyond
        shrunk = torch._foreach_sub(linear, [one.clamp(-group["l1"], group["l1"]) for one in linear])
        torch._foreach_neg_(shrunk)
        if group["l2"]:
            torch._foreach_add_(quadratic, group["l2"])
        inverse = [torch.full_like(one, 1 / group["lr"]) for one in state["inverse_rate"]]
        new = torch._foreach_div(shrunk, quadratic)
        return new, {"squares": squares, "linear": linear, "inverse_rate": inverse}

    def _roots(self, squares: Tensors, group: Mapping[str, Any]) -> Tensors:
        roots = torch._foreach_sqrt(squares)
        if group["beta"]:
            torch._foreach_add_(roots, group["beta"])
        return roots
