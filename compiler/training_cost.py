"""Arithmetic of a training step."""

from __future__ import annotations

from collections.abc import Mapping

from .graph import Graph, Node
from .longest import longest


def node_macs(node: Node, graph: Graph, sizes: Mapping[str, int]) -> int:
    """Multiply-accumulates of one node's forward pass; sizes of every symbol, with B = 1 for one example."""
    shapes = {
        name: tuple(given.shape(sizes) for ref in refs if (given := graph.type_of(ref)) is not None)
        for name, refs in node.inputs.items()
    }
    outputs = {port: given.shape(sizes) for port, given in node.outputs.items()}
    return node.operation.macs(shapes, outputs)


def training_macs(graph: Graph, given: Mapping[str, int]) -> int:
    """Multiply-accumulates of one example's forward and backward pass, without padding.

    given  sizes of the data's own symbols ({"N": 16000, "U": 12}); others follow, or are as in the longest example

    Three times the forward pass of all that the loss depends on: backward computes the gradients of inputs and of
    weights. Features have no backward pass and the loss none that counts, so both are left out.
    """
    sizes = longest(graph) | dict(given)
    for symbol in graph.symbols:
        if symbol.definition is not None:
            sizes[symbol.name] = symbol.definition.value(sizes)
    needed = graph.nodes if graph.loss is None else graph.needed_for([graph.loss])
    return 3 * sum(node_macs(node, graph, sizes) for node in needed.values() if node.operation.family == "component")
