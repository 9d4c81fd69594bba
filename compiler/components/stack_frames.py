"""Joining neighbouring frames."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Window, component
from ..dim import Dim
from ..part import param
from ..step_form import PLAIN, StepForm
from ..tensor_type import TensorType


@component("stack_frames")
class StackFrames(Component):
    """Put each `factor` frames side by side into one (Sak et al. 2015): ceil(T / factor) frames of features * factor.

    y[b, t] = (x[b, t * factor], …, x[b, t * factor + factor - 1]); frames past the end of the sequence are zero.
    """

    signature = "(x: seq[B,T,D]) => (y: seq[B,_,_])"
    mixes_time = True
    keeps_zero = True
    saves = ()

    factor: int = param(doc="frames put into one", unit_doc="frames", minimum=1)

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}

    def out_time(self, time: Dim) -> Dim:
        return time.ceildiv(self.factor)

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        return {"y": x.with_time(self.out_time(x.time)).with_last(x.features * self.factor)}

    def window(self) -> Window:
        return Window(self.factor, self.factor, 0, self.factor - 1)

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if self.factor == 1:
            return PLAIN
        raise self.looks_ahead()
