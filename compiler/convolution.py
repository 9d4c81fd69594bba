"""What convolutions over time share: their windows, and what they need one token at a time."""

from __future__ import annotations

from collections.abc import Mapping

from .component import Component, Window
from .dim import Dim
from .part import param
from .step_form import PLAIN, StepForm, carried
from .tensor_type import TensorType


class Convolution(Component):
    """A window of `kernel` frames, `dilation` apart, that moves on by `stride`; a subclass declares `pad`."""

    signature = "(x: seq[B,T,D]) => (y: seq[B,_,channels])"
    precision = "half"
    mixes_time = True
    saves = ("x",)

    channels: int = param(doc="output channels", unit_doc="features", minimum=1)
    kernel: int = param(doc="frames under the kernel", unit_doc="frames", minimum=1)
    stride: int = param(default=1, doc="frames from one output to the next", unit_doc="frames", minimum=1)
    dilation: int = param(default=1, doc="distance of the kernel's taps", unit_doc="frames", minimum=1)
    pad: str

    @property
    def reach(self) -> int:
        """Frames from the first tap of the kernel to its last."""
        return (self.kernel - 1) * self.dilation

    def out_time(self, time: Dim) -> Dim:
        if self.pad == "valid":
            return (time - self.reach - 1) // self.stride + 1
        return time.ceildiv(self.stride)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"y": x.with_time(self.out_time(x.time)).with_last(self.channels)}

    def window(self) -> Window:
        before = {"same": self.reach // 2, "causal": self.reach, "valid": 0}[self.pad]
        return Window(self.reach + 1, self.stride, before, self.reach - before)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if self.stride != 1:
            raise self.looks_ahead(f"{self.name}(stride = {self.stride}) gives fewer results than it reads tokens")
        if not self.reach:
            return PLAIN
        if self.pad != "causal":
            raise self.looks_ahead(setting=f'pad = "{self.pad}"', help='say pad = "causal"')
        return StepForm(state=(carried("past", inputs["x"][0].features, self.reach),))
