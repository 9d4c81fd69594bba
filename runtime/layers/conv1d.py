"""Convolution over time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..convolution import ConvolutionLayer
from ..weight_norm import normed


class Conv1d(ConvolutionLayer):
    """Cross-correlation over time."""

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
        super().__init__(kernel=kernel, stride=stride, dilation=dilation, pad=pad)
        self.groups = groups
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

    def convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        weight = self.weight if self.gain is None else normed(self.weight, self.gain)
        bias = None if self.bias is None else self.bias.to(x_BCT.dtype)
        weight = weight.to(x_BCT.dtype)
        return self.over_time(x_BCT, weight, bias, self.stride, padding, self.dilation, self.groups)
