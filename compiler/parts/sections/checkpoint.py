"""What a run keeps on disk."""

from __future__ import annotations

from ....dsl.values import Quantity, SplitMetric
from ...part import Part, param, part


@part("checkpoint", family="section")
class Checkpoint(Part):
    """How often the state of training is kept, how many states, and which one is best."""

    every: Quantity = param(
        default=Quantity(1, "epochs", "1 epochs"),
        doc="how often",
        unit=("epochs", "steps", "time"),
        above=0,
        training=True,
    )
    keep: int = param(default=3, doc="how many of the newest stay", minimum=1, maximum=10000, training=True)
    best: SplitMetric | None = param(
        default=None, doc="kept besides: least or greatest metric of a split, min(valid.wer)", training=True
    )
