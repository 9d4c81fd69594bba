"""Infer the type of every tensor by unifying the letters of the components' signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...dsl.diagnostics import Diagnostic, Findings, Label
from ...dsl.values import Ref
from ..claims import check_claims
from ..component import Mismatch
from ..dim_origins import labels_of_axis
from ..graph import Graph, Node
from ..limits_in_text import label_of_vocabulary
from ..mismatches import report_mismatch, shapes_note
from ..pass_contract import graph_pass
from ..signatures import signature_of
from ..tensor_type import TensorType
from ..unification import Clash, Letters, result_type


@graph_pass(needs=("connected", "ordered"), gives=("types",))
def infer_types(graph: Graph, findings: Findings) -> Graph:
    """Give every node the types of its outputs; where a type cannot be known because of an error, stay silent."""
    faults = Findings()
    typed = replace(graph, nodes={})
    nodes: dict[str, Node] = {}
    for path, node in graph.nodes.items():
        typed = replace(typed, nodes=nodes)
        inputs = _input_types(node, typed)
        outputs = {} if inputs is None else _outputs(node, inputs, typed, faults)
        nodes[path] = replace(node, outputs=outputs)
    graph = replace(graph, nodes=nodes)
    wrong = check_claims(graph, findings)
    # what a block does with an input that it does not accept follows from that
    findings.take(faults, unless=lambda place: any(place.startswith(f"{scope}.") for scope in wrong))
    return graph


def _input_types(node: Node, graph: Graph) -> dict[str, tuple[TensorType, ...]] | None:
    """Types by input; None if one is unknown."""
    found: dict[str, tuple[TensorType, ...]] = {}
    for name, refs in node.inputs.items():
        types = tuple(given for given in map(graph.type_of, refs) if given is not None)
        if len(types) < len(refs):
            return None
        found[name] = types
    return found


def _outputs(
    node: Node, inputs: dict[str, tuple[TensorType, ...]], graph: Graph, findings: Findings
) -> dict[str, TensorType]:
    operation = node.operation
    letters = Letters()
    try:
        for one in signature_of(operation).inputs:
            for position, given in enumerate(inputs.get(one.name, ())):
                letters.unify(one, given, operation, position)
    except Clash as clash:
        _report_clash(clash, node, inputs, graph, findings)
        return {}
    try:
        operation.check(inputs)
    except Mismatch as mismatch:
        if _report_mismatch(mismatch, node, inputs, graph, findings):
            return {}
    try:
        inferred = operation.infer(inputs)
    except Mismatch as mismatch:
        _report_mismatch(mismatch, node, inputs, graph, findings)
        return {}
    if inferred is not None:
        return dict(inferred)
    return {port: result_type(wanted, letters, operation) for port, wanted in signature_of(operation).results.items()}


def _report_mismatch(
    mismatch: Mismatch, node: Node, inputs: Mapping[str, tuple[TensorType, ...]], graph: Graph, findings: Findings
) -> bool:
    """What the component found, with labels at the numbers of features that come in."""
    origin = graph.origins.of(node.path)
    more: dict[Label, None] = {}
    for name, group in inputs.items():
        for ref, given in zip(node.inputs[name], group, strict=True):
            if given.element == "real" and mismatch.code.startswith("S2S4"):
                more |= dict.fromkeys(labels_of_axis(graph, ref, given.rank - 1, besides=origin.span))
            elif mismatch.code == "S2S410":
                more |= dict.fromkeys(label_of_vocabulary(graph, ref, given))
    return report_mismatch(mismatch, origin, findings, place=node.path, inputs=inputs, more=tuple(more))


def _report_clash(
    clash: Clash, node: Node, inputs: Mapping[str, tuple[TensorType, ...]], graph: Graph, findings: Findings
) -> None:
    """Name the two facts that disagree, with labels at the numbers that they come from."""
    origin = graph.origins.of(node.path)
    labels: list[Label] = []
    for side in clash.sides:
        refs: tuple[Ref, ...] = node.inputs[side.input]
        for label in labels_of_axis(graph, refs[side.position], side.axis, besides=origin.span):
            if label not in labels:
                labels.append(label)
    findings.add(
        Diagnostic(
            clash.code,
            "error",
            clash.message,
            origin.span,
            clash.at,
            node.path,
            tuple(labels),
            (shapes_note(inputs),),
            clash.helps,
            origin.reached,
        )
    )
