"""Layer-wise adaptation of the learning rate, before any optimizer."""

from __future__ import annotations

from typing import Any

import torch

from ...compiler.parts.optim.larc import Larc
from .norms import norms


def adapt(part: Larc, optimizer: torch.optim.Optimizer) -> None:
    """Scale the gradients of an optimizer whenever it steps, by the rate that its groups have then."""

    @torch.no_grad()
    def scale(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        for group in optimizer.param_groups:
            held = [one for one in group["params"] if one.grad is not None]
            if not held:
                continue
            gradients = [one.grad for one in held]
            weight_norms = norms(held)
            ratio = part.eta * weight_norms / (norms(gradients) + part.epsilon)
            if part.mode == "clip":
                # a rate of 0 clips nothing
                ratio = (ratio / max(group["lr"], 1e-30)).clamp(min=part.min_update, max=1.0)
            else:
                ratio = ratio.clamp(min=part.min_update)
            of_zeros = 1.0 if part.mode == "clip" else part.eta
            torch._foreach_mul_(gradients, torch.where(weight_norms > 0, ratio, of_zeros).unbind())

    optimizer.register_step_pre_hook(scale)
