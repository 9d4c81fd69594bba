"""Check the graph's own promises between passes: a fault here is ours, not the author's."""

from __future__ import annotations

from .graph import Graph
from .signatures import signature_of


def verify(graph: Graph, facts: frozenset[str]) -> None:
    """Assert what the given facts promise."""
    seen: set[str] = set()
    for path, node in graph.nodes.items():
        assert node.path == path, f"{path} is kept as {node.path}"
        if "connected" in facts:
            declared = signature_of(node.operation)
            assert node.inputs.keys() <= {one.name for one in declared.inputs}, f"{path} has unknown inputs"
            for ref in node.refs():
                assert ref.path in graph.inputs or ref.path in graph.nodes, (
                    f"{path} reads {ref.path}, which is not there"
                )
        if "ordered" in facts:
            assert all(ref.path in seen or ref.path in graph.inputs for ref in node.refs()), f"{path} is out of order"
        if "types" in facts:
            assert node.outputs, f"{path} has no types"
            for ref in node.refs():
                assert graph.type_of(ref) is not None, f"{path} reads {ref}, whose type is not known"
        if "precision" in facts:
            assert node.compute, f"{path} has no precision"
            assert node.gives, f"{path} has no precision"
        if node.derived:
            assert list(node.inputs) == ["x"], f"{path} is derived and has to have one input"
            assert len(node.inputs["x"]) == 1, f"{path} is derived and has to have one input"
        seen.add(path)
    for name, ref in graph.names.items():
        assert "connected" not in facts or ref.path in seen or ref.path in graph.inputs, f"{name} names nothing"
