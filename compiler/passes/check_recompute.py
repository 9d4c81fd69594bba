"""Check that what is to be computed a second time is there."""

from __future__ import annotations

from ...dsl.diagnostics import Findings
from ...dsl.suggest import closest
from ..graph import Graph
from ..pass_contract import graph_pass
from ..path_patterns import and_around
from ..recompute import is_candidate, segments
from ..settings import items, span_at

_PATH = "hyperparameters.recompute"


@graph_pass(needs=("types",))
def check_recompute(graph: Graph, findings: Findings) -> Graph:
    """An error for each pattern of `recompute` that names no layer, and for `true` where no block is repeated."""
    wanted = graph.hyperparameters.values()["recompute"]
    if wanted is False:
        return graph
    if wanted is True:
        if not segments(graph):
            findings.error(
                "S2S303",
                "recompute = true recomputes each repetition of a block, and no block is repeated here",
                span_at(graph, _PATH),
                place=_PATH,
                helps=('name blocks or layers: recompute = ["encoder"]',),
            )
        return graph
    for pattern, span in items(graph, _PATH):
        if not any(is_candidate(path, pattern) for path in graph.nodes):
            paths = {path for path in graph.nodes if not path.startswith("data.")}
            near = closest(pattern.removesuffix(".*"), and_around(paths))
            findings.error(
                "S2S211",
                f"recompute names `{pattern}`, where there is no layer",
                span,
                place=_PATH,
                helps=(f"did you mean `{near}`?",) if near else (),
            )
    return graph
