"""Mask the logits of classes that do not exist, where a vocabulary was padded to a round size."""

from __future__ import annotations

from ...dsl.diagnostics import Edit, Findings, Fix
from ...dsl.values import Ref
from ..components.class_mask import ClassMask
from ..dim_origins import labels_of_axis
from ..graph import Graph, Node, NodeOrigin
from ..pass_contract import graph_pass
from ..provenance import inside, span_of

# Kernels like sizes that divide by this; any other surplus is taken for a mistake in counting.
_ROUND = 8


@graph_pass(needs=("types",), gives=("classes",), despite_errors=True)
def mask_classes(graph: Graph, findings: Findings) -> Graph:
    """Put a class_mask after every tensor of logits that is wider than the vocabulary (and a blank) needs."""
    vocabulary = _vocabulary(graph)
    if vocabulary is None:
        return graph
    needed: dict[Ref, int] = {}
    for node in graph.nodes.values():
        source = {"loss": "logits", "search": "x"}.get(node.operation.family)
        if source is None:
            continue
        blank = node.operation.values().get("blank", -1)
        logits = _logits(node.inputs[source][0], graph)
        needed[logits] = max(needed.get(logits, 0), vocabulary, blank + 1)
    for logits, classes in needed.items():
        graph = _mask(graph, logits, classes, findings)
    return graph


def _vocabulary(graph: Graph) -> int | None:
    """The vocabulary of the loss's target."""
    if graph.loss is None or graph.loss.path not in graph.nodes:
        return None
    for ref in graph.nodes[graph.loss.path].inputs.get("target", ()):
        given = graph.type_of(ref)
        return None if given is None else given.vocabulary
    return None


def _logits(ref: Ref, graph: Graph) -> Ref:
    """Back from log-probabilities and casts to the logits that they were made of."""
    while ref.path in graph.nodes and graph.nodes[ref.path].operation.name in ("log_softmax", "cast"):
        (ref,) = graph.nodes[ref.path].inputs["x"]
    return ref


def _mask(graph: Graph, logits: Ref, classes: int, findings: Findings) -> Graph:
    given = graph.type_of(logits)
    producer = graph.nodes.get(logits.path)
    # tokens instead of logits are reported where types are inferred
    if given is None or producer is None or given.element == "index":
        return graph
    if given.features <= classes or isinstance(producer.operation, ClassMask):
        return graph
    if given.features % _ROUND:
        origin = graph.origins.of(producer.path)
        round_size = -(-classes // _ROUND) * _ROUND
        findings.error(
            "S2S410",
            f"`{producer.path}` gives {given.features} logits, but there are {classes} classes",
            origin.span,
            at=f"{given.features - classes} more than there are classes",
            place=producer.path,
            labels=labels_of_axis(graph, logits, given.rank - 1, besides=origin.span),
            helps=(f"make it {classes} wide, or pad_to({_ROUND}, {classes}) = {round_size}: padded logits are masked",),
            fixes=_fixes(origin, classes),
        )
        return graph
    path = f"{producer.path.rpartition('.')[0]}.class_mask"
    mask = Node(path, ClassMask(classes=classes), {"x": (logits,)}, path, derived=True, outputs={"y": given})

    first = next(iter(producer.outputs))

    def instead(ref: Ref) -> Ref:
        same = ref.path == logits.path and (ref.port or first) == (logits.port or first)
        return Ref(path, "y", ref.lengths) if same else ref

    note = f"{given.features - classes} padded logits of {producer.path} masked"
    graph = graph.with_refs(instead)
    return graph.with_nodes([*graph.nodes.values(), mask], notes=(*graph.notes, note))


def _fixes(origin: NodeOrigin, classes: int) -> tuple[Fix, ...]:
    """Write the size of the layer that makes the logits, where it is written in its call."""
    span = span_of(origin.params.get("size"))
    if span is None or not inside(span, origin.span):
        return ()
    return (Fix(f"write {classes}", (Edit(span, str(classes)),), safe=False),)
