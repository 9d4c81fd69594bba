"""One component as a module of its own: what contracts are tested on."""

from __future__ import annotations

from collections.abc import Mapping

from s2sc.compiler.component import Component
from s2sc.compiler.components.cast import Cast
from s2sc.compiler.data_layer import Symbolic
from s2sc.compiler.graph import CheckedGraph, Graph, Node
from s2sc.compiler.part import Part, part
from s2sc.compiler.passes.assign_precision import assign
from s2sc.compiler.passes.infer_types import infer_types
from s2sc.compiler.passes.place_masks import place_masks
from s2sc.compiler.passes.seal import seal
from s2sc.compiler.tensor_type import TensorType
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.values import DType, Ref
from s2sc.runtime.lower import Lowered, lower

PATH = "model.layer"


def lower_single(
    operation: Component, inputs: Mapping[str, tuple[TensorType, ...]], *, precision: str = "fp32"
) -> Lowered:
    """Lower a graph of one component, with the masks and casts that a model would have around it.

    What follows its input's precision is handed half precision, by casts that stand before it. The inputs are raw
    streams `data.x_0`, `data.x_1`, … for the tensors of the input `x`; sequences have lengths besides. Outputs come
    under the ports' names ("y", "y.lengths").
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
    casts: list[Node] = []
    if precision != "fp32" and operation.precision == "follow":
        refs, casts = _in_precision(precision, refs, streams)
    graph = Graph(
        name=operation.name,
        edition=1,
        inputs=streams,
        targets=(),
        symbols=_symbols(operation, inputs),
        nodes={node.path: node for node in (*casts, Node(PATH, operation, refs, PATH))},
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


def _symbols(operation: Component, inputs: Mapping[str, tuple[TensorType, ...]]) -> tuple[Symbolic, ...]:
    """A time axis that the operation gives a name of its own (a feature's T), in those of its first input."""
    outputs = operation.infer(inputs) or {}
    first = next(iter(inputs.values()))[0]
    known = {symbol for types in inputs.values() for type_ in types if type_.is_seq for symbol in type_.time.symbols}
    new = {symbol for type_ in outputs.values() if type_.is_seq for symbol in type_.time.symbols} - known
    return tuple(Symbolic(symbol, "frames", definition=operation.out_time(first.time)) for symbol in sorted(new))


def _in_precision(
    precision: str, refs: dict[str, tuple[Ref, ...]], streams: Mapping[str, TensorType]
) -> tuple[dict[str, tuple[Ref, ...]], list[Node]]:
    """Casts of all real inputs, and the inputs as they come out of them."""
    casts: list[Node] = []

    def handed(ref: Ref) -> Ref:
        if streams[ref.path].element != "real":
            return ref
        path = f"{PATH}.cast_{ref.path.removeprefix('data.')}"
        casts.append(Node(path, Cast(dtype=DType(precision)), {"x": (ref,)}, path, derived=True))
        return Ref(path)

    return {name: tuple(map(handed, given)) for name, given in refs.items()}, casts


@part("nothing", family="section")
class Nothing(Part):
    """Settings of a graph that has none."""
