"""The form of a model that leaves in an export: in the export's precision, without what acts in training only."""

from __future__ import annotations

from dataclasses import replace

from ..dsl.diagnostics import Findings
from ..dsl.values import Ref
from .graph import CheckedGraph, Graph
from .pipeline import run_passes
from .structure import structure


def for_export(checked: CheckedGraph, label: str) -> CheckedGraph:
    """Assign precision anew for `export <label>`, and leave out dropout and augmentation.

    The architecture hash stays the trained model's.
    """
    export = checked.graph.exports[label]
    graph = _without_training_only(structure(checked.graph))
    trained = graph.hyperparameters
    findings = Findings()
    asked = trained.changed(precision=getattr(export, "precision", None))
    graph = run_passes(replace(graph, hyperparameters=asked), findings)
    assert not findings.has_errors, [diagnostic.message for diagnostic in findings]
    return replace(checked, graph=replace(graph, hyperparameters=trained))


def _without_training_only(graph: Graph) -> Graph:
    """Readers of a dropped node read its input instead."""
    sources = {
        path: next(iter(node.inputs.values()))[0] for path, node in graph.nodes.items() if node.operation.training_only
    }

    def kept(ref: Ref) -> Ref:
        while ref.path in sources:
            source = sources[ref.path]
            ref = replace(source, lengths=ref.lengths or source.lengths)
        return ref

    nodes = {path: node for path, node in graph.nodes.items() if path not in sources}
    return replace(graph, nodes=nodes).with_refs(kept)
