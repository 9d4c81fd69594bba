"""Convolution over time."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, Window, component
from ..dim import Dim
from ..part import param
from ..step_form import PLAIN, StepForm, carried
from ..tensor_type import TensorType


@component("conv1d")
class Conv1d(Component):
    """Convolution over time (cross-correlation, as in torch).

    `pad = "same"` puts (kernel - 1) * dilation // 2 zero frames on the left and the rest on the right and gives
    ceil(T / stride) frames whatever the batch; "causal" puts all of them on the left; "valid" pads nothing.

        y[b, t, o] = bias[o] + sum over c, k of weight[o, c, k] * x[b, t * stride + k * dilation - left, c]

    With `weight_norm` the kernel of each channel is gain[o] * weight[o] / |weight[o]| (Salimans & Kingma 2016), and
    starts as N(0, 4 / fan in), which a glu behind it halves (Gehring et al. 2017).
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,_,channels])"
    precision = "half"
    mixes_time = True
    saves = ("x",)

    channels: int = param(doc="output channels", unit_doc="features", minimum=1)
    kernel: int = param(doc="frames under the kernel", unit_doc="frames", minimum=1)
    stride: int = param(default=1, doc="frames from one output to the next", unit_doc="frames", minimum=1)
    dilation: int = param(default=1, doc="distance of the kernel's taps", unit_doc="frames", minimum=1)
    groups: int = param(default=1, doc="groups of channels that do not see each other", minimum=1)
    pad: str = param(default="same", doc="frames added at the ends", choices=("same", "valid", "causal"))
    bias: bool = param(default=True, doc="add a trained number to each channel")
    weight_norm: bool = param(default=False, doc="train the length of each channel's kernel by itself")

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        channels_in = inputs["x"][0].features
        for what, size in (("input channels", channels_in), ("channels", self.channels)):
            if size % self.groups:
                raise Mismatch(
                    "S2S402",
                    f"conv1d cannot split {size} {what} into {self.groups} groups",
                    at=f"{size} % {self.groups} = {size % self.groups}",
                    param="groups",
                )

    def out_time(self, time: Dim) -> Dim:
        if self.pad == "valid":
            return (time - (self.kernel - 1) * self.dilation - 1) // self.stride + 1
        return time.ceildiv(self.stride)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"y": x.with_time(self.out_time(x.time)).with_last(self.channels)}

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            "weight": (self.channels, inputs["x"][0].features // self.groups, self.kernel)
        }
        if self.bias:
            shapes["bias"] = (self.channels,)
        if self.weight_norm:
            shapes["gain"] = (self.channels,)
        return shapes

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, channels = outputs["y"]
        return batch * time * channels * (inputs["x"][0][-1] // self.groups) * self.kernel

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
