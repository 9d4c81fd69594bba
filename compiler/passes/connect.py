"""Check that every input is connected, nothing runs in a circle, and everything is used."""

from __future__ import annotations

from dataclasses import replace

from ...dsl.diagnostics import Findings, Label
from ...dsl.source import Span
from ...dsl.values import Ref
from ..graph import Graph, Node, TensorCycle
from ..graph import ordered as in_order
from ..pass_contract import graph_pass
from ..settings import items
from ..signatures import signature_of


@graph_pass(gives=("connected", "ordered"))
def connect(graph: Graph, findings: Findings) -> Graph:
    """Put the nodes into canonical order; report unknown, missing, circular and unused connections."""
    num_before = len(findings)
    for node in graph.nodes.values():
        _check_inputs(node, graph, findings)
    _check_outputs(graph, findings)
    if findings.has_errors and len(findings) > num_before:
        return graph
    try:
        nodes = in_order(graph.nodes.values())
    except TensorCycle as cycle:
        _report_cycle(cycle, graph, findings)
        return graph
    graph = replace(graph, nodes=nodes)
    _report_dead(graph, findings)
    return graph


def _check_inputs(node: Node, graph: Graph, findings: Findings) -> None:
    name = node.operation.name
    span = graph.origins.of(node.path).span
    declared = signature_of(node.operation).inputs
    for one in declared:
        if not one.optional and not node.inputs.get(one.name):
            findings.error(
                "S2S406", f"{name} has no input `{one.name}`", span, at=f"`{one.name}` is missing", place=node.path
            )
    known = {one.name for one in declared}
    for given, refs in node.inputs.items():
        if given not in known:
            findings.error("S2S406", f"{name} takes no input `{given}`", span, place=node.path)
        for ref in refs:
            if not _exists(ref, graph):
                findings.error("S2S406", f"there is no tensor `{_spelt(ref)}`", span, place=node.path)


def _check_outputs(graph: Graph, findings: Findings) -> None:
    if graph.loss is None:
        findings.error(
            "S2S406",
            "the spec has no loss",
            None,
            helps=("add a top-level statement such as `loss = ctc_loss(logits = decoder.logits, target = data.text)`",),
        )
    asked = [("the loss", graph.loss), ("infer", graph.infer)]
    asked += [(f"`{name}`", ref) for name, ref in graph.names.items()]
    asked += [(f"export {label}", ref) for label, part in graph.exports.items() for ref in part.refs()]
    for what, ref in asked:
        if ref is not None and not _exists(ref, graph):
            findings.error("S2S406", f"{what} asks for the tensor `{_spelt(ref)}`, which does not exist", None)
    _check_exported_inputs(graph, findings)


def _check_exported_inputs(graph: Graph, findings: Findings) -> None:
    """What goes into an exported file is a stream that users have; its lengths come by themselves."""
    streams = [path for path in graph.inputs if path not in graph.targets]
    for label in graph.exports:
        for ref, span in items(graph, f"export.{label}.inputs"):
            if ref.path not in streams or ref.lengths:
                findings.error(
                    "S2S406",
                    f"export {label} cannot take `{_spelt(ref)}` as an input",
                    span,
                    place=f"export.{label}.inputs",
                    helps=(f"write inputs = [{', '.join(streams)}]", "or leave inputs out"),
                )


def _report_cycle(cycle: TensorCycle, graph: Graph, findings: Findings) -> None:
    hops = " -> ".join([*cycle.paths, cycle.paths[0]])
    spans = [graph.origins.of(path).span for path in cycle.paths]
    labels = tuple(
        Label(span, f"then `{path}`")
        for path, span in zip(cycle.paths[1:], spans[1:], strict=True)
        if span is not None and span != spans[0]
    )
    findings.error(
        "S2S404",
        f"`{cycle.paths[0]}` needs its own result",
        spans[0],
        at="the circle starts here",
        place=cycle.paths[0],
        labels=labels,
        notes=(f"hops: {hops}",),
        helps=("a result of an earlier step comes from a recurrent component, such as lstm",),
    )


def _report_dead(graph: Graph, findings: Findings) -> None:
    roots = [ref for ref in (graph.loss, graph.infer) if ref is not None]
    roots += [ref for part in graph.exports.values() for ref in part.refs()]
    alive = graph.needed_for(roots)
    for path, node in graph.nodes.items():
        if path in alive or path.startswith("data.") or node.derived or graph.users(path):
            continue
        span: Span | None = graph.origins.of(path).span
        findings.warning(
            "S2S405",
            f"`{path}` reaches neither the loss nor an output",
            span,
            at="computed for nothing",
            place=path,
            helps=("remove it, or use it in the loss, in `infer` or in an export's outputs",),
        )


def _exists(ref: Ref, graph: Graph) -> bool:
    if ref.path in graph.inputs:
        return not ref.port
    node = graph.nodes.get(ref.path)
    if node is None:
        return False
    return not ref.port or ref.port in signature_of(node.operation).results


def _spelt(ref: Ref) -> str:
    return ".".join(piece for piece in (ref.path, ref.port, "lengths" if ref.lengths else "") if piece)
