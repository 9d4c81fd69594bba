"""Depthwise separable convolution over time."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import component
from ..convolution import Convolution
from ..part import param
from ..tensor_type import TensorType


@component("sep_conv1d")
class SepConv1d(Convolution):
    """Depthwise separable convolution: each channel along time by itself, then all channels of a frame (Chollet 2017).

        h[b, t, c] = sum over k of depthwise.weight[c, 0, k] * x[b, t * stride + k * dilation - left, c]
        y[b, t, o] = pointwise.bias[o] + sum over c of pointwise.weight[o, c, 0] * h[b, t, c]

    It takes time * features * (kernel + channels) multiply-accumulates where conv1d takes time * features * kernel *
    channels. Padding is as in conv1d.
    """

    pad: str = param(default="same", doc="frames added at the ends", choices=("same", "valid", "causal"))
    bias: bool = param(default=True, doc="add a trained number to each channel")

    @property
    def folds(self) -> bool:
        return True

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        channels_in = inputs["x"][0].features
        shapes: dict[str, tuple[int, ...]] = {
            "depthwise.weight": (channels_in, 1, self.kernel),
            "pointwise.weight": (self.channels, channels_in, 1),
        }
        if self.bias:
            shapes["pointwise.bias"] = (self.channels,)
        return shapes

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, channels = outputs["y"]
        return batch * time * inputs["x"][0][-1] * (self.kernel + channels)
