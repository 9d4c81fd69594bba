"""From a graph to a checked graph: the passes in order, then the rules."""

from __future__ import annotations

from ..dsl.diagnostics import Findings
from .graph import CheckedGraph, Graph
from .passes.assign_precision import assign_precision
from .passes.check_ctc import check_ctc
from .passes.check_freeze import check_freeze
from .passes.check_lengths import check_lengths
from .passes.check_places import check_places
from .passes.check_recompute import check_recompute
from .passes.check_step import check_step
from .passes.check_ties import check_ties
from .passes.connect import connect
from .passes.count_cost import count_cost
from .passes.infer_types import infer_types
from .passes.limits import limits
from .passes.mask_classes import mask_classes
from .passes.place_masks import place_masks
from .passes.seal import seal
from .rulebook import rules
from .verify import verify

PASSES = (
    connect,
    infer_types,
    check_ties,
    check_lengths,
    check_places,
    check_step,
    mask_classes,
    check_ctc,
    place_masks,
    assign_precision,
    count_cost,
    check_freeze,
    check_recompute,
    limits,
)


def check(graph: Graph, findings: Findings) -> CheckedGraph | None:
    """Run all passes, then the rules, then seal; None after errors."""
    graph = run_passes(graph, findings)
    if findings.has_errors:
        return None
    if graph.origins.data is not None:
        for rule in rules():
            for diagnostic in rule.check(graph):
                findings.add(diagnostic)
    return None if findings.has_errors else seal(graph)


def run_passes(graph: Graph, findings: Findings) -> Graph:
    """Run the passes as far as errors allow, and check the graph's own promises after each."""
    facts: frozenset[str] = frozenset()
    for one in PASSES:
        if findings.has_errors and not one.despite_errors:
            break
        assert facts.issuperset(one.needs), f"{one.name} needs {set(one.needs) - facts}"
        graph = one(graph, findings)
        facts |= frozenset(one.gives)
        verify(graph, frozenset() if findings.has_errors else facts)
    return graph
