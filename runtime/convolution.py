"""What convolutions over time share: padding that does not depend on the batch's length, and their step."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compiler.component import Component
from .layers.layer import Inputs, Layer
from .window_padding import window_padding


class ConvolutionLayer(Layer):
    """A window that moves over time; a subclass says what is made of what lies under it.

    channels_last  whether the channels of a frame lie next to each other while it works, and in what it gives
    """

    layout = "BCT"

    channels_last = False

    def __init__(self, *, kernel: int, stride: int, dilation: int, pad: str) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.pad_left, self.pad_right = window_padding(kernel, dilation=dilation, pad=pad)

    @abstractmethod
    def convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        """The convolution with `padding` zero frames on both sides."""

    def over_time(
        self,
        x_BCT: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> Tensor:
        """Torch's conv1d; with channels last by way of images of one row, of which alone torch knows that order."""
        if not self.channels_last:
            return F.conv1d(x_BCT, weight, bias, stride, padding, dilation, groups)
        x_BC1T, kernel = (one.unsqueeze(2).contiguous(memory_format=torch.channels_last) for one in (x_BCT, weight))
        return F.conv2d(x_BC1T, kernel, bias, (1, stride), (0, padding), (1, dilation), groups).squeeze(2)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"in_channels": inputs["x"][0].features, **operation.values()}

    def step(self, *, position: Tensor, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        window_BCK = torch.cat([past, x], 2)
        return self.convolved(window_BCK, 0), window_BCK[:, :, 1:]

    def forward(self, x_BCT: Tensor) -> Tensor:
        # one-sided padding costs a copy; what is equal on both sides the convolution does by itself
        shared = min(self.pad_left, self.pad_right)
        if self.pad_left != self.pad_right:
            x_BCT = F.pad(x_BCT, (self.pad_left - shared, self.pad_right - shared))
        return self.convolved(x_BCT, shared)


def channels_last(model: nn.Module) -> None:
    """Let all convolutions of a model work with channels last; results differ in their last digits."""
    for layer in model.modules():
        if isinstance(layer, ConvolutionLayer):
            layer.channels_last = True
