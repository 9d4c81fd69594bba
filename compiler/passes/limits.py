"""Refuse graphs beyond what the tool promises to handle."""

from __future__ import annotations

from ...dsl.diagnostics import Findings
from ...dsl.limits import LIMITS
from ..graph import Graph
from ..pass_contract import graph_pass


@graph_pass(needs=("cost",), gives=("bounded",))
def limits(graph: Graph, findings: Findings) -> Graph:
    """Report more nodes or parameters than allowed."""
    num_nodes = sum(not node.derived for node in graph.nodes.values())
    if num_nodes > LIMITS.nodes:
        findings.error("S2S412", f"the model has {num_nodes:,} nodes, more than the limit of {LIMITS.nodes:,}", None)
    total = sum(node.cost.parameters for node in graph.nodes.values())
    if total > LIMITS.parameters:
        largest = max(graph.nodes.values(), key=lambda node: node.cost.parameters)
        findings.error(
            "S2S413",
            f"the model has {total:,} parameters, more than the limit of {LIMITS.parameters:,}",
            graph.origins.of(largest.path).span,
            at=f"{largest.cost.parameters:,} of them are here",
            place=largest.path,
        )
    return graph
