"""Depthwise separable convolution over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...compiler.component import Component
from ..window_padding import window_padding
from .layer import Inputs, Layer


class SepConv1d(Layer):
    """Each channel along time by itself, then all channels of a frame; padding as in conv1d."""

    layout = "BCT"

    def __init__(
        self,
        *,
        in_channels: int,
        channels: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        pad: str = "same",
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.pad_left, self.pad_right = window_padding(kernel, dilation=dilation, pad=pad)
        self.depthwise = nn.Conv1d(in_channels, in_channels, kernel, groups=in_channels, bias=False)
        self.pointwise = nn.Conv1d(in_channels, channels, 1, bias=bias)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"in_channels": inputs["x"][0].features, **operation.values()}

    def step(self, *, position: Tensor, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        window_BCK = torch.cat([past, x], 2)
        return self._convolved(window_BCK, 0), window_BCK[:, :, 1:]

    def forward(self, x_BCT: Tensor) -> Tensor:
        shared = min(self.pad_left, self.pad_right)
        if self.pad_left != self.pad_right:
            x_BCT = F.pad(x_BCT, (self.pad_left - shared, self.pad_right - shared))
        return self._convolved(x_BCT, shared)

    def _convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        dtype, groups = x_BCT.dtype, x_BCT.shape[1]
        bias = None if self.pointwise.bias is None else self.pointwise.bias.to(dtype)
        depthwise = self.depthwise.weight.to(dtype)
        h_BCT = F.conv1d(x_BCT, depthwise, None, self.stride, padding, self.dilation, groups)
        return F.conv1d(h_BCT, self.pointwise.weight.to(dtype), bias)
