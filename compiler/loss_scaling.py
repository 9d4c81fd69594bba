"""The loss scale of a spec that trains in fp16."""

from __future__ import annotations

from .graph import Graph
from .parts.precision.autocast import Autocast
from .settings import setting


def scaling(graph: Graph) -> Autocast | None:
    """The settings of the scale; None where nothing is scaled."""
    precision = setting(graph, "hyperparameters.precision")
    scales = isinstance(precision, Autocast) and precision.dtype.name == "fp16"
    return precision if scales else None
