"""A graph as it was before the passes: without what they derived and inferred."""

from __future__ import annotations

from dataclasses import replace

from ..dsl.values import Ref
from .graph import Graph, Node


def structure(graph: Graph) -> Graph:
    """Take out derived nodes, reconnect their readers, and forget inferred facts."""
    sources = {path: node.inputs["x"][0] for path, node in graph.nodes.items() if node.derived}

    def original(ref: Ref) -> Ref:
        while ref.path in sources:
            source = sources[ref.path]
            ref = replace(source, lengths=ref.lengths or source.lengths)
        return ref

    nodes = {
        path: Node(path, node.operation, node.inputs, node.weights)
        for path, node in graph.nodes.items()
        if not node.derived
    }
    return replace(graph, nodes=nodes, notes=()).with_refs(original)
