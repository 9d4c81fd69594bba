"""Depthwise separable convolution over time."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Window, component
from ..dim import Dim
from ..part import param
from ..step_form import PLAIN, StepForm, carried
from ..tensor_type import TensorType


@component("sep_conv1d")
class SepConv1d(Component):
    """Depthwise separable convolution: each channel along time by itself, then all channels of a frame (Chollet 2017).

        h[b, t, c] = sum over k of depthwise.weight[c, 0, k] * x[b, t * stride + k * dilation - left, c]
        y[b, t, o] = pointwise.bias[o] + sum over c of pointwise.weight[o, c, 0] * h[b, t, c]

    It takes time * features * (kernel + channels) multiply-accumulates where conv1d takes time * features * kernel *
    channels. Padding is as in conv1d.
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,_,channels])"
    precision = "half"
    mixes_time = True
    saves = ("x",)

    channels: int = param(doc="output channels", unit_doc="features", minimum=1)
    kernel: int = param(doc="frames under the kernel", unit_doc="frames", minimum=1)
    stride: int = param(default=1, doc="frames from one output to the next", unit_doc="frames", minimum=1)
    dilation: int = param(default=1, doc="distance of the kernel's taps", unit_doc="frames", minimum=1)
    pad: str = param(default="same", doc="frames added at the ends", choices=("same", "valid", "causal"))
    bias: bool = param(default=True, doc="add a trained number to each channel")

    def out_time(self, time: Dim) -> Dim:
        if self.pad == "valid":
            return (time - (self.kernel - 1) * self.dilation - 1) // self.stride + 1
        return time.ceildiv(self.stride)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"y": x.with_time(self.out_time(x.time)).with_last(self.channels)}

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

    def window(self) -> Window:
        reach = (self.kernel - 1) * self.dilation + 1
        before = {"same": (self.kernel - 1) * self.dilation // 2, "causal": reach - 1, "valid": 0}[self.pad]
        return Window(reach, self.stride, before, reach - 1 - before)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        reach = (self.kernel - 1) * self.dilation
        if self.stride != 1:
            raise self.looks_ahead(f"{self.name}(stride = {self.stride}) gives fewer results than it reads tokens")
        if not reach:
            return PLAIN
        if self.pad != "causal":
            raise self.looks_ahead(setting=f'pad = "{self.pad}"', help='say pad = "causal"')
        return StepForm(state=(carried("past", inputs["x"][0].features, reach),))
