"""Check that shared and tied weights have one shape wherever they are used."""

from __future__ import annotations

from ...dsl.diagnostics import Findings, Label
from ...dsl.source import Span
from ...dsl.values import Ref
from ..dim_origins import labels_of_axis
from ..graph import Graph, Node
from ..pass_contract import graph_pass
from ..provenance import span_of
from ..tensor_type import TensorType

Shapes = dict[str, tuple[int, ...]]


@graph_pass(needs=("types",), despite_errors=True)
def check_ties(graph: Graph, findings: Findings) -> Graph:
    """Report uses of one module's weights that ask for different shapes."""
    owners: dict[str, tuple[Node, Shapes]] = {}
    for node in graph.nodes.values():
        inputs = _known_inputs(node, graph)
        if inputs is None:
            continue
        shapes = node.operation.weights(inputs)
        first = owners.setdefault(node.weights, (node, shapes))
        if first[1] != shapes:
            _report_shared(node, shapes, *first, graph, findings)
    for node in graph.nodes.values():
        inputs = _known_inputs(node, graph)
        if inputs is not None:
            _check_tied(node, inputs, owners, graph, findings)
    return graph


def _check_tied(
    node: Node,
    inputs: dict[str, tuple[TensorType, ...]],
    owners: dict[str, tuple[Node, Shapes]],
    graph: Graph,
    findings: Findings,
) -> None:
    for declared in node.operation.params:
        target = node.operation.values()[declared.name]
        if declared.type != "module" or target is None:
            continue
        origin = graph.origins.of(node.path)
        span = span_of(origin.params.get(declared.name)) or origin.span
        owner = owners.get(target)
        wanted = node.operation.tied_shape(inputs)
        if owner is None or "weight" not in owner[1]:
            findings.error(
                "S2S411",
                f"`{target}` has no weight that {node.operation.name} could use",
                span,
                at="tied to this",
                place=node.path,
            )
        elif owner[1]["weight"] != wanted:
            labels = (*_width_given(owner[0], graph, span), *_widths_taken(node, graph, span))
            findings.error(
                "S2S411",
                f"{node.operation.name} needs a weight {_spelt(wanted)}, "
                f"but `{target}` has {_spelt(owner[1]['weight'])}",
                span,
                at=f"{_spelt(owner[1]['weight'])} is not {_spelt(wanted)}",
                place=node.path,
                labels=tuple(dict.fromkeys(labels)),
                notes=(f"shapes: the weight is [output features, input features] = {_spelt(wanted)}",),
                helps=(_way_out(owner[1]["weight"], wanted),),
            )


def _width_given(node: Node, graph: Graph, besides: Span | None) -> tuple[Label, ...]:
    """Where the width of what a node gives comes from."""
    given = graph.type_of(Ref(node.path))
    return () if given is None else labels_of_axis(graph, Ref(node.path), given.rank - 1, besides=besides)


def _widths_taken(node: Node, graph: Graph, besides: Span | None) -> tuple[Label, ...]:
    """Where the widths that a node reads come from."""
    refs = [(ref, given) for ref in node.refs() if (given := graph.type_of(ref)) is not None]
    return tuple(
        label
        for ref, given in refs
        if given.element == "real"
        for label in labels_of_axis(graph, ref, given.rank - 1, besides=besides)
    )


def _way_out(there: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(there) == len(wanted) == 2 and there[0] == wanted[0]:
        return f"put linear({there[1]}) before it, or leave `tie` out"
    return "give both the same sizes, or leave `tie` out"


def _report_shared(
    node: Node, shapes: Shapes, first: Node, first_shapes: Shapes, graph: Graph, findings: Findings
) -> None:
    findings.error(
        "S2S411",
        f"`{node.weights}` is shared by uses that need different weights",
        graph.origins.of(node.path).span,
        at="shared weights do not fit",
        place=node.path,
        notes=(f"shapes: {_all(first_shapes)} at {first.path}, {_all(shapes)} at {node.path}",),
        helps=("use a module of its own here, or bring the input to the same size first",),
    )


def _known_inputs(node: Node, graph: Graph) -> dict[str, tuple[TensorType, ...]] | None:
    if not node.outputs:
        return None
    return {
        name: tuple(given for ref in refs if (given := graph.type_of(ref)) is not None)
        for name, refs in node.inputs.items()
    }


def _spelt(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _all(shapes: Shapes) -> str:
    return " ".join(f"{name} {_spelt(shape)}" for name, shape in shapes.items()) or "no weights"
