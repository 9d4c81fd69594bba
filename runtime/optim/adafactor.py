"""Adafactor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate

from ...compiler.parts.optim.adafactor import Adafactor
from .groups import NamedParameter, decayed
from .norms import norms
from .stepping import State, SteppingOptimizer, Tensors


def build(part: Adafactor, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """The optimizer over all trained parameters: matrices, vectors, and either without decay in groups of their own."""
    groups = [
        {**group, "params": kept, "factored": factored}
        for group in decayed(parameters, part.weight_decay)
        for factored in (True, False)
        if (kept := [one for one in group["params"] if (one.dim() > 1) == factored])
    ]
    return AdafactorOptimizer(
        groups,
        lr=part.lr,
        decay=part.decay,
        clip=part.clip,
        beta1=part.beta1,
        relative=part.relative,
        epsilon1=part.epsilon1,
        epsilon2=part.epsilon2,
    )


class AdafactorOptimizer(SteppingOptimizer):
    """Shazeer & Stern 2018, algorithm 4 with the rate of a schedule. torch's own reads from the device at each step."""

    def begin(self, weight: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        state = {"step": torch.zeros((), dtype=torch.float32, device=weight.device)}
        if group["factored"]:
            state |= {"rows": torch.zeros_like(_rows(weight)), "columns": torch.zeros_like(_columns(weight))}
        else:
            state["square"] = torch.zeros_like(weight)
        return state | ({"mean": torch.zeros_like(weight)} if group["beta1"] else {})

    def update(
        self, weights: Tensors, gradients: Tensors, state: State, group: Mapping[str, Any]
    ) -> tuple[Tensors, State]:
        steps = torch._foreach_add(state["step"], 1.0)
        # share of the new square: 1 at the first step
        shares = (torch.stack(steps) ** -group["decay"]).unbind()
        squares = torch._foreach_mul(gradients, gradients)
        torch._foreach_add_(squares, group["epsilon1"])
        new: State = {"step": steps}
        if group["factored"]:
            rows = new["rows"] = _mixed(state["rows"], [_rows(one) for one in squares], shares)
            columns = new["columns"] = _mixed(state["columns"], [_columns(one) for one in squares], shares)
            # the root is taken of each factor: their product may be below what float32 holds
            factors = [row / _columns(row) for row in rows]
            update = torch._foreach_mul(gradients, [one.rsqrt() for one in factors])
            torch._foreach_mul_(update, [one.rsqrt() for one in columns])
        else:
            square = new["square"] = _mixed(state["square"], squares, shares)
            update = torch._foreach_mul(gradients, [one.rsqrt() for one in square])
        sizes = torch.tensor([one.numel() for one in weights], dtype=torch.float32).sqrt().to(shares[0].device)
        excess = norms(update) / sizes / group["clip"]
        torch._foreach_div_(update, excess.clamp(min=1.0).unbind())
        if group["beta1"]:
            update = new["mean"] = torch._foreach_lerp(state["mean"], update, 1 - group["beta1"])
        rate = torch.full_like(excess, -group["lr"])
        if group["relative"]:
            rate = rate * (norms(weights) / sizes).clamp(min=group["epsilon2"])
        scaled = torch._foreach_mul(update, rate.unbind())
        if group["weight_decay"]:
            torch._foreach_add_(scaled, weights, alpha=-group["lr"] * group["weight_decay"])
        return torch._foreach_add(weights, scaled), new


def _rows(matrix: Tensor) -> Tensor:
    return _summed(matrix.mean(dim=-1, keepdim=True))


def _columns(matrix: Tensor) -> Tensor:
    return _summed(matrix.mean(dim=-2, keepdim=True))


def _summed(mean: Tensor) -> Tensor:
    """A mean over what lies on several ranks, put together."""
    if not isinstance(mean, DTensor):
        return mean
    return mean.redistribute(placements=[Replicate() if place.is_partial() else place for place in mean.placements])


def _mixed(old: Tensors, new: Tensors, shares: Tensors) -> Tensors:
    return [before + (after - before) * share for before, after, share in zip(old, new, shares, strict=True)]
