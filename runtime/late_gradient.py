"""Products in a loop whose weight gets its gradient behind the loop, in one product instead of one for each turn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class LateProduct:
    """x W^T + bias for one weight [out, in] and many x [B, in] that are not known together.

    Each turn's backward pass leaves its two factors here; the weight's gradient is made of all of them, once the last
    turn (the first one of the loop) has left its own.
    """

    def __init__(self, weight: Tensor) -> None:
        self._turns: list[tuple[Tensor, Tensor]] = []
        self._is_late = torch.is_grad_enabled() and weight.requires_grad
        # torch leaves Function.apply without types
        self._weight: Tensor = _Collect.apply(weight, self._turns) if self._is_late else weight  # type: ignore[no-untyped-call]

    def __call__(self, x_BI: Tensor, bias_BO: Tensor | None = None) -> Tensor:
        """One turn; `bias_BO` is added to its result."""
        if not self._is_late:
            return x_BI.mm(self._weight.t()) if bias_BO is None else torch.addmm(bias_BO, x_BI, self._weight.t())
        result: Tensor = _Turn.apply(x_BI, self._weight, bias_BO, self._turns)  # type: ignore[no-untyped-call]
        return result


class _Collect(torch.autograd.Function):
    """The weight as it is; its gradient is that of all turns."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, turns: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.turns = turns
        ctx.set_materialize_grads(False)
        return weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor | None) -> tuple[Tensor | None, None]:
        if not ctx.turns:
            return None, None
        grads, inputs = (torch.cat(parts) for parts in zip(*ctx.turns, strict=True))
        ctx.turns.clear()
        return grads.t().mm(inputs), None


class _Turn(torch.autograd.Function):
    """One product."""

    @staticmethod
    def forward(
        ctx: Any, x_BI: Tensor, weight_OI: Tensor, bias_BO: Tensor | None, turns: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        ctx.save_for_backward(x_BI, weight_OI)
        ctx.turns, ctx.has_bias = turns, bias_BO is not None
        return x_BI.mm(weight_OI.t()) if bias_BO is None else torch.addmm(bias_BO, x_BI, weight_OI.t())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BO: Tensor) -> tuple[Tensor | None, None, Tensor | None, None]:
        x_BI, weight_OI = ctx.saved_tensors
        ctx.turns.append((grad_BO, x_BI))
        grad_x_BI = grad_BO.mm(weight_OI) if ctx.needs_input_grad[0] else None
        return grad_x_BI, None, grad_BO if ctx.has_bias else None, None
