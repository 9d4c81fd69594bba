"""Convolution over time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from ..weight_norm import normed
from ..window_padding import window_padding
from .layer import Inputs, Layer


class Conv1d(Layer):
    """Cross-correlation over time; its padding does not depend on the batch's length."""

    layout = "BCT"

    def __init__(
        self,
        *,
        in_channels: int,
        channels: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        pad: str = "same",
        bias: bool = True,
        weight_norm: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.pad_left, self.pad_right = window_padding(kernel, dilation=dilation, pad=pad)
        self.weight = nn.Parameter(torch.empty(channels, in_channels // groups, kernel))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.gain = nn.Parameter(torch.empty(channels)) if weight_norm else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform within 1 / sqrt(fan in), as torch's own convolutions; N(0, 4 / fan in) with weight norm."""
        bound = 1.0 / math.sqrt(self.weight[0].numel())
        if self.gain is None:
            nn.init.uniform_(self.weight, -bound, bound)
        else:
            nn.init.normal_(self.weight, 0.0, 2.0 * bound)
            self.gain.data = torch.linalg.vector_norm(self.weight.data.flatten(1), dim=1)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"in_channels": inputs["x"][0].features, **operation.values()}

    def step(self, *, position: Tensor, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        window_BCK = torch.cat([past, x], 2)
        return self._convolved(window_BCK, 0), window_BCK[:, :, 1:]

    def forward(self, x_BCT: Tensor) -> Tensor:
        # one-sided padding costs a copy; what is equal on both sides the convolution does by itself
        shared = min(self.pad_left, self.pad_right)
        if self.pad_left != self.pad_right:
            x_BCT = F.pad(x_BCT, (self.pad_left - shared, self.pad_right - shared))
        return self._convolved(x_BCT, shared)

    def _convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        weight = self.weight if self.gain is None else normed(self.weight, self.gain)
        bias = None if self.bias is None else self.bias.to(x_BCT.dtype)
        return F.conv1d(x_BCT, weight.to(x_BCT.dtype), bias, self.stride, padding, self.dilation, self.groups)
