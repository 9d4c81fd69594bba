"""Silencing of logits that stand for nothing."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import Component, Mismatch, component
from ..part import param
from ..tensor_type import TensorType


@component("class_mask", family="internal")
class ClassMask(Component):
    """Set the logits of classes that do not exist to -10,000, which half precision holds: their probability is 0.

    Put in where a vocabulary was padded to a round size: `pad_to(8, 29)` gives 32 logits for 29 classes.
    """

    signature = "(x: [..,V]) => (y: [..,V])"
    saves = ()

    classes: int = param(doc="classes that exist, the first ones", minimum=1)

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        features = inputs["x"][0].features
        if features < self.classes:
            raise Mismatch("S2S410", f"{features} logits cannot hold {self.classes} classes")
