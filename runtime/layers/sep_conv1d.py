"""Depthwise separable convolution over time."""

from __future__ import annotations

from torch import Tensor, nn

from ..convolution import ConvolutionLayer


class SepConv1d(ConvolutionLayer):
    """Each channel along time by itself, then all channels of a frame."""

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
        super().__init__(kernel=kernel, stride=stride, dilation=dilation, pad=pad)
        self.depthwise = nn.Conv1d(in_channels, in_channels, kernel, groups=in_channels, bias=False)
        self.pointwise = nn.Conv1d(in_channels, channels, 1, bias=bias)

    def convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        dtype, groups = x_BCT.dtype, x_BCT.shape[1]
        bias = None if self.pointwise.bias is None else self.pointwise.bias.to(dtype)
        depthwise = self.depthwise.weight.to(dtype)
        h_BCT = self.over_time(x_BCT, depthwise, None, self.stride, padding, self.dilation, groups)
        return self.over_time(h_BCT, self.pointwise.weight.to(dtype), bias)
