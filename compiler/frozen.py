"""Which weights a spec freezes."""

from __future__ import annotations

from .graph import Graph
from .path_patterns import is_among


def frozen_weights(graph: Graph) -> frozenset[str]:
    """The paths of layers whose weights `hyperparameters.freeze` holds still."""
    patterns = graph.hyperparameters.values()["freeze"]
    return frozenset(node.weights for node in graph.nodes.values() if is_among(node.weights, patterns))
