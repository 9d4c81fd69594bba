"""What components that pool over time share."""

from __future__ import annotations

from collections.abc import Mapping

from .component import POINTWISE, Component, Mismatch, Window
from .dim import Dim
from .part import param
from .step_form import PLAIN, StepForm
from .tensor_type import TensorType


class Pooling(Component):
    """One frame made of the whole sequence, or of each window of `kernel` frames."""

    signature = "(x: seq[B,T,D]) => (y: [..])"
    # It leaves padding out by itself (a zero that a mask puts there would count as a frame).
    cleans = True

    kernel: int | None = param(
        default=None, doc="frames in a window, none for the whole sequence", unit_doc="frames", minimum=1
    )
    stride: int | None = param(
        default=None, doc="frames from one window to the next, none for `kernel`", unit_doc="frames", minimum=1
    )

    @property
    def step(self) -> int:
        """Frames from one window to the next."""
        return int(self.stride or self.kernel or 1)

    def check_params(self) -> None:
        if self.stride is not None and self.kernel is None:
            raise Mismatch(
                "S2S305", f"{self.name} has a stride but no kernel", param="stride", helps=("add kernel = …",)
            )

    def out_time(self, time: Dim) -> Dim:
        return time.ceildiv(self.step)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        if self.kernel is None:
            return {"y": TensorType("tensor", (x.axes[0], x.axes[2]))}
        return {"y": x.with_time(self.out_time(x.time))}

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if self.kernel is None:
            raise self.looks_ahead(f"{self.name} reads the whole target")
        if self.step != 1:
            raise self.looks_ahead(f"{self.name}(kernel = {self.kernel}) gives fewer results than it reads tokens")
        if self.kernel != 1:
            raise self.looks_ahead()
        return PLAIN

    def window(self) -> Window:
        if self.kernel is None:
            return POINTWISE
        return Window(self.kernel, self.step, 0, self.kernel - 1)
