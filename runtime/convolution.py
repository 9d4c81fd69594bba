"""What convolutions over time share: padding that does not depend on the batch's length, and their step."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from ..compiler.component import Component
from .layers.layer import Inputs, Layer
from .window_padding import window_padding


class ConvolutionLayer(Layer):
    """A window that moves over time; a subclass says what is made of what lies under it."""

    layout = "BCT"

    def __init__(self, *, kernel: int, stride: int, dilation: int, pad: str) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.pad_left, self.pad_right = window_padding(kernel, dilation=dilation, pad=pad)

    @abstractmethod
    def convolved(self, x_BCT: Tensor, padding: int) -> Tensor:
        """The convolution with `padding` zero frames on both sides."""

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
