"""Which metrics of a spec its model gives something to measure."""

from __future__ import annotations

from .graph import Graph
from .part import Part


def lacks(graph: Graph, metric: Part) -> tuple[str, str] | None:
    """Why a metric finds nothing to measure, and what would give it something; None: it has what it needs."""
    if metric.facts().get("measures") == "likelihoods":
        if graph.loss is None or graph.nodes[graph.loss.path].operation.likelihoods:
            return None
        loss = graph.nodes[graph.loss.path].operation.name
        return f"{loss} does not tell how likely each token is", f"leave out {metric.name}, or train with cross_entropy"
    if graph.infer is not None:
        return None
    search = "greedy" if graph.shifted is not None else "greedy_ctc(…)"
    return "nothing makes text to measure", f"add a search: infer = … -> {search}"
