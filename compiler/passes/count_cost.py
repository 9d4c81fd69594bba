"""Count parameters, multiply-accumulates and bytes of every node."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ...dsl.diagnostics import Findings
from ..graph import Cost, Graph
from ..longest import longest
from ..pass_contract import graph_pass
from ..training_cost import node_macs

ITEM_BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int64": 8}


@graph_pass(needs=("types", "precision"), gives=("cost",))
def count_cost(graph: Graph, findings: Findings) -> Graph:
    """Cost of one example of the longest kept length; shared weights count once, at their first use."""
    sizes = longest(graph)
    counted: set[str] = set()
    nodes = []
    for node in graph.nodes.values():
        types = {
            name: tuple(given for ref in refs if (given := graph.type_of(ref)) is not None)
            for name, refs in node.inputs.items()
        }
        outputs = {port: given.shape(sizes) for port, given in node.outputs.items()}
        parameters = 0
        if node.weights not in counted:
            parameters = sum(prod(shape) for shape in node.operation.weights(types).values())
            counted.add(node.weights)
        activation_bytes = sum(
            prod(shape) * (ITEM_BYTES[node.gives] if node.outputs[port].element == "real" else 8)
            for port, shape in outputs.items()
        )
        nodes.append(replace(node, cost=Cost(parameters, node_macs(node, graph, sizes), activation_bytes)))
    return graph.with_nodes(nodes)
