"""Convolution over time."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Mismatch, component
from ..convolution import Convolution
from ..part import param
from ..tensor_type import TensorType


@component("conv1d")
class Conv1d(Convolution):
    """Convolution over time (cross-correlation, as in torch).

    `pad = "same"` puts (kernel - 1) * dilation // 2 zero frames on the left and the rest on the right and gives
    ceil(T / stride) frames whatever the batch; "causal" puts all of them on the left; "valid" pads nothing.

        y[b, t, o] = bias[o] + sum over c, k of weight[o, c, k] * x[b, t * stride + k * dilation - left, c]

    With `weight_norm` the kernel of each channel is gain[o] * weight[o] / |weight[o]| (Salimans & Kingma 2016), and
    starts as N(0, 4 / fan in), which a glu behind it halves (Gehring et al. 2017).
    """

    groups: int = param(default=1, doc="groups of channels that do not see each other", minimum=1)
    pad: str = param(default="same", doc="frames added at the ends", choices=("same", "valid", "causal"))
    bias: bool = param(default=True, doc="add a trained number to each channel")
    weight_norm: bool = param(default=False, doc="train the length of each channel's kernel by itself")

    @property
    def folds(self) -> bool:
        return True

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
