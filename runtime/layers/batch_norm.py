"""Batch normalisation over the real frames of padded sequences."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ...compiler.component import Component
from .layer import Inputs, Layer


class OverAll(Protocol):
    """A sum, in place, over all processes; whether the rows that this one has are of the batch or only stand in."""

    counts: bool

    def __call__(self, tensor: Tensor) -> Tensor: ...


class BatchNorm(Layer):
    """Normalise each channel by its mean and variance over real frames (Ioffe & Szegedy 2015).

    Weights and statistics are float32 whatever x is. The running variance is the unbiased one, as in torch; a batch of
    fewer than two real frames has no variance and leaves the running statistics as they are.

    over_all  adds up over all processes that hold parts of one batch; None where it is whole
    """

    over_all: OverAll | None = None

    layout = "BCT"
    needs = ("mask",)

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, *, features: int, momentum: float = 0.9, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def forward(self, x_BCT: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Give x normalised; padding stays padding (it is neither read nor defined afterwards).

        x_BCT  [B, C, T] with mask [B, 1, T], or [B, C] without
        """
        if not self.training and torch.onnx.is_in_onnx_export() and x_BCT.dtype != self.weight.dtype:
            return self._affine(x_BCT)
        if not self.training:
            running = (self.running_mean, self.running_var, self.weight, self.bias)
            return F.batch_norm(x_BCT, *running, training=False, eps=self.epsilon)
        if mask is None:
            mask = torch.ones((), dtype=torch.bool, device=x_BCT.device).expand(x_BCT.shape[0], 1, 1)
            return self._train(x_BCT.unsqueeze(2), mask).squeeze(2)
        return self._train(x_BCT, mask)

    def _affine(self, x_BCT: Tensor) -> Tensor:
        """The same as two half operations: ONNX optimisers put a float32 normalisation into half weights."""
        scale_C = self.weight * torch.rsqrt(self.running_var + self.epsilon)
        shift_C = self.bias - self.running_mean * scale_C
        shape = (-1, 1) if x_BCT.dim() == 3 else (-1,)
        return x_BCT * scale_C.to(x_BCT.dtype).view(shape) + shift_C.to(x_BCT.dtype).view(shape)

    def _train(self, x_BCT: Tensor, mask_B1T: Tensor) -> Tensor:
        # multiplying is several times faster than masked_fill on a CPU; padding is finite wherever real frames are
        real_B1T = mask_B1T.to(x_BCT.dtype)
        if self.over_all is not None and not self.over_all.counts:
            # rows that only stand in are no frames of the batch: neither statistics nor gradients come from them
            real_B1T = torch.zeros_like(real_B1T)
        # torch leaves Function.apply without types, hence the two lines that mypy is told to pass over
        # as images of one row: of three dimensions torch does not see which one lies innermost
        y_BC1T, mean_C, var_C, count = _Normalise.apply(  # type: ignore[no-untyped-call]
            x_BCT.unsqueeze(2), real_B1T.unsqueeze(2), self.weight, self.bias, self.epsilon, self.over_all
        )
        with torch.no_grad():
            share = (1.0 - self.momentum) * (count > 1)
            self.running_mean.lerp_(mean_C, share)
            self.running_var.lerp_(var_C * (count / (count - 1).clamp(min=1)), share)
        return y_BC1T.squeeze(2)  # type: ignore[no-any-return]


class _Normalise(torch.autograd.Function):
    """The training form, from torch's own fast kernels; selecting frames instead would wait for the GPU."""

    @staticmethod
    def forward(
        ctx: Any,
        x_BC1T: Tensor,
        real_B11T: Tensor,
        weight_C: Tensor,
        bias_C: Tensor,
        epsilon: float,
        over_all: OverAll | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        exact = weight_C.dtype
        count = real_B11T.sum(dtype=exact)
        sum_C = (x_BC1T * real_B11T).sum((0, 2, 3), dtype=exact)
        if over_all is not None:
            sums_C1 = over_all(torch.cat((sum_C, count.view(1))))
            sum_C, count = sums_C1[:-1], sums_C1[-1]
        num_frames = count.clamp(min=1)
        mean_C = sum_C / num_frames
        one_C, zero_C = torch.ones_like(mean_C), torch.zeros_like(mean_C)
        # two passes: E[x²] - E[x]² loses the variance of channels with a large mean
        centred_BC1T = F.batch_norm(x_BC1T, mean_C, one_C, one_C, zero_C, False, 0.0, 0.0).mul_(real_B11T)
        squares_C = _squares(centred_BC1T, exact)
        var_C = (squares_C if over_all is None else over_all(squares_C)) / num_frames
        y_BC1T = F.batch_norm(x_BC1T, mean_C, var_C, weight_C, bias_C, False, 0.0, epsilon)
        ctx.save_for_backward(x_BC1T, real_B11T, weight_C, mean_C, var_C, num_frames)
        ctx.epsilon, ctx.over_all = epsilon, over_all
        ctx.mark_non_differentiable(mean_C, var_C, count)
        return y_BC1T, mean_C, var_C, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BC1T: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        # dx = w/s (dy - sum(dy)/n - x̂ sum(dy x̂)/n): what fixed statistics give, less what flows through them
        x_BC1T, real_B11T, weight_C, mean_C, var_C, num_frames = ctx.saved_tensors
        dx_BC1T, dweight_C, dbias_C = torch.ops.aten.native_batch_norm_backward(
            grad_BC1T * real_B11T,
            x_BC1T,
            weight_C,
            mean_C,
            var_C,
            mean_C,
            var_C,
            False,
            ctx.epsilon,
            [True, True, True],
        )
        scale_C = -weight_C * torch.rsqrt(var_C + ctx.epsilon) / num_frames
        sums_2C = torch.cat((dweight_C, dbias_C))
        if ctx.over_all is not None:
            # what flows through the statistics comes from all processes; of the weights each gives its own part
            sums_2C = ctx.over_all(sums_2C)
        by_weight_C, by_bias_C = sums_2C.chunk(2)
        through_BC1T = F.batch_norm(
            x_BC1T, mean_C, var_C, scale_C * by_weight_C, scale_C * by_bias_C, False, 0.0, ctx.epsilon
        )
        return dx_BC1T.add_(through_BC1T.mul_(real_B11T)), None, dweight_C, dbias_C, None, None


def _squares(x_BC1T: Tensor, exact: torch.dtype) -> Tensor:
    """The sum of squares of each channel; no square is held in half precision."""
    if x_BC1T.stride(1) == 1:
        # a norm over what does not lie innermost takes ten times as long
        return x_BC1T.to(exact).square().sum((0, 2, 3))
    norm_BC: Tensor = torch.linalg.vector_norm(x_BC1T, dim=(2, 3), dtype=exact)
    return norm_BC.square().sum(0)
