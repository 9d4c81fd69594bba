"""One component as a module of its own: what contracts are tested on."""

from __future__ import annotations

from collections.abc import Mapping

from ..compiler.component import Component
from ..compiler.graph import CheckedGraph, Graph, Node
from ..compiler.part import Part, part
from ..compiler.passes.assign_precision import assign
from ..compiler.passes.infer_types import infer_types
from ..compiler.passes.place_masks import place_masks
from ..compiler.passes.seal import seal
from ..compiler.tensor_type import TensorType
from ..dsl.diagnostics import Findings
from ..dsl.values import Ref
from .lower import Lowered, lower

PATH = "model.layer"


def lower_single(
    operation: Component, inputs: Mapping[str, tuple[TensorType, ...]], *, precision: str = "fp32"
) -> Lowered:
    """Lower a graph of one component, with the masks and casts that a model would have around it.

    The inputs are raw streams `data.x_0`, `data.x_1`, … for the tensors of the input `x`; sequences have lengths
    besides. Outputs come back in float32 under the ports' names ("y", "y.lengths").
    """
    checked = single(operation, inputs, precision=precision)
    node = checked.graph.nodes[PATH]
    outputs = [Ref(PATH, port) for port in node.outputs]
    outputs += [Ref(PATH, port, lengths=True) for port, type_ in node.outputs.items() if type_.is_seq]
    return lower(checked, outputs=outputs)


def single(
    operation: Component, inputs: Mapping[str, tuple[TensorType, ...]], *, precision: str = "fp32"
) -> CheckedGraph:
    """A checked graph of one component."""
    streams = {
        f"data.{name}_{position}": type_ for name, types in inputs.items() for position, type_ in enumerate(types)
    }
    refs = {
        name: tuple(Ref(f"data.{name}_{position}") for position in range(len(types))) for name, types in inputs.items()
    }
    graph = Graph(
        name=operation.name,
        edition=1,
        inputs=streams,
        targets=(),
        symbols=(),
        nodes={PATH: Node(PATH, operation, refs, PATH)},
        names={},
        loss=None,
        infer=None,
        data=Nothing(),
        hyperparameters=Nothing(),
        exports={},
    )
    findings = Findings()
    graph = infer_types(graph, findings)
    assert not findings.has_errors, [diagnostic.message for diagnostic in findings]
    graph = assign(place_masks(graph, findings), precision)
    ports = graph.nodes[PATH].outputs
    return seal(graph.with_nodes(graph.nodes.values(), names={port: Ref(PATH, port) for port in ports}))


@part("nothing", family="section")
class Nothing(Part):
    """Settings of a graph that has none."""
