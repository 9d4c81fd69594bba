"""Put masks where an operation along time would read padding that is not zero."""

from __future__ import annotations

from dataclasses import replace

from ...dsl.diagnostics import Findings
from ...dsl.values import Ref
from ..components.mask import Mask
from ..graph import Graph, Node
from ..pass_contract import graph_pass


@graph_pass(needs=("types", "classes"), gives=("clean",))
def place_masks(graph: Graph, findings: Findings) -> Graph:
    """Know of every tensor whether its padding is zero, and mask what has to be."""
    nodes: dict[str, Node] = {}
    masks: dict[Ref, Ref] = {}
    for path, node in graph.nodes.items():
        inputs = dict(node.inputs)
        for name, refs in node.inputs.items():
            if not node.operation.mixes(name):
                continue
            inputs[name] = tuple(
                _masked(ref, f"{path}.mask_{name}{position or ''}", graph, nodes, masks)
                for position, ref in enumerate(refs)
            )
        nodes[path] = _with_cleanness(replace(node, inputs=inputs), nodes)
    return graph.with_nodes(nodes.values())


def _masked(ref: Ref, path: str, graph: Graph, nodes: dict[str, Node], masks: dict[Ref, Ref]) -> Ref:
    """The tensor, or a mask of it; one mask serves all that read the tensor."""
    given = graph.type_of(ref)
    if given is None or not given.is_seq or _is_clean(ref, nodes):
        return ref
    if ref not in masks:
        nodes[path] = Node(path, Mask(), {"x": (ref,)}, path, derived=True, outputs={"y": given}, clean=True)
        masks[ref] = Ref(path, "y")
    return masks[ref]


def _is_clean(ref: Ref, nodes: dict[str, Node]) -> bool:
    return ref.path in nodes and nodes[ref.path].clean


def _with_cleanness(node: Node, nodes: dict[str, Node]) -> Node:
    operation = node.operation
    kept = operation.keeps_zero and all(_is_clean(ref, nodes) for ref in node.refs())
    return replace(node, clean=operation.cleans or kept)
