"""The form of a model that leaves in an export: in the export's precision, without what acts in training only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..dsl.diagnostics import Findings
from ..dsl.values import Ref
from .graph import CheckedGraph, Graph
from .part import Part
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
    graph = run_passes(
        replace(graph, hyperparameters=_with(trained, precision=getattr(export, "precision", None))), findings
    )
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

    nodes = {
        path: replace(node, inputs={name: tuple(map(kept, refs)) for name, refs in node.inputs.items()})
        for path, node in graph.nodes.items()
        if path not in sources
    }
    return replace(
        graph,
        nodes=nodes,
        names={name: kept(ref) for name, ref in graph.names.items()},
        loss=graph.loss and kept(graph.loss),
        infer=graph.infer and kept(graph.infer),
        exports={label: _kept_tensors(part, kept) for label, part in graph.exports.items()},
    )


def _kept_tensors(part: Part, kept: Callable[[Ref], Ref]) -> Part:
    changes = {}
    for name, value in part.values().items():
        if isinstance(value, tuple):
            changes[name] = tuple(kept(item) if isinstance(item, Ref) else item for item in value)
    return _with(part, **changes)


def _with(part: Part, **changes: Any) -> Part:
    """The same part with other values."""
    return type(part)(**{**part.values(), **changes})
