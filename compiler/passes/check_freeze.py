"""Check that what is to be frozen is there, and that something is left to train."""

from __future__ import annotations

from ...dsl.diagnostics import Findings
from ...dsl.suggest import closest
from ..frozen import frozen_weights
from ..graph import Graph
from ..pass_contract import graph_pass
from ..path_patterns import and_around, matches
from ..settings import items, span_at

_PATH = "hyperparameters.freeze"


@graph_pass(needs=("types",))
def check_freeze(graph: Graph, findings: Findings) -> Graph:
    """An error for each pattern of `freeze` that names no layer with weights, and where they name all of them."""
    if not graph.hyperparameters.values()["freeze"]:
        return graph
    trained = {node.weights for node in graph.nodes.values() if node.cost is not None and node.cost.parameters}
    for pattern, span in items(graph, _PATH):
        if not any(matches(one, pattern) for one in trained):
            near = closest(pattern.removesuffix(".*"), and_around(trained))
            findings.error(
                "S2S211",
                f"freeze names `{pattern}`, where no layer has weights",
                span,
                place=_PATH,
                helps=(f"did you mean `{near}`?",) if near else (),
            )
    if trained and trained <= frozen_weights(graph):
        findings.error(
            "S2S303",
            "freeze leaves nothing to train: it names every layer that has weights",
            span_at(graph, _PATH),
            place=_PATH,
        )
    return graph
