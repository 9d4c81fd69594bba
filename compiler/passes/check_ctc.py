"""Check that the labels fit into the frames that are left for CTC."""

from __future__ import annotations

from ...dsl.diagnostics import Diagnostic, Findings
from ..graph import Graph, Node
from ..limits_in_text import label_of_limit
from ..longest import longest
from ..pass_contract import graph_pass
from ..provenance import labels_of


@graph_pass(needs=("types", "classes"), despite_errors=True)
def check_ctc(graph: Graph, findings: Findings) -> Graph:
    """Compare frames after strides with labels, at the data's declared limits."""
    for node in graph.nodes.values():
        if node.operation.name == "ctc_loss" and node.outputs:
            _check_labels(node, graph, findings)
            _check_blank(node, graph, findings)
    return graph


def _check_blank(node: Node, graph: Graph, findings: Findings) -> None:
    """The search must leave out the class that the loss puts between symbols."""
    search = graph.nodes.get(graph.infer.path) if graph.infer is not None else None
    # a wrong number of logits is what the blank was fitted to
    if findings.has_errors or search is None or "blank" not in search.operation.values():
        return
    ours, theirs = node.operation.values()["blank"], search.operation.values()["blank"]
    if ours == theirs:
        return
    origin = graph.origins.of(search.path)
    findings.error(
        "S2S410",
        f"{search.operation.name} has blank = {theirs}, but {node.operation.name} was trained with {ours}",
        origin.span,
        at="finds other symbols than were learned",
        place=search.path,
        labels=labels_of(graph.origins.of(node.path).params.get("blank"), besides=None, text=f"blank = {ours} here"),
        helps=(f"give both the same, blank = {ours}",),
    )


def _check_labels(node: Node, graph: Graph, findings: Findings) -> None:
    logits, target = graph.type_of(node.inputs["logits"][0]), graph.type_of(node.inputs["target"][0])
    if logits is None or target is None:
        return
    symbols = {symbol.name: symbol for symbol in graph.symbols}
    labels = [symbols[name] for name in sorted(target.time.symbols) if name in symbols]
    sizes = longest(graph)
    frames = logits.time.value(sizes)
    if not labels or frames < 1:
        return
    most, least = labels[0].maximum, labels[0].minimum
    span = graph.origins.of(node.path).span
    where = label_of_limit(graph, "labels", "labels come from here", besides=span)
    where += label_of_limit(graph, "keep", "the longest utterance comes from here", besides=span)
    if least is not None and frames < least:
        code, fact = "error", f"the shortest text has {least} labels"
    elif most is not None and frames < most:
        code, fact = "warning", f"the longest text has {most} labels"
    else:
        return
    findings.add(
        Diagnostic(
            "S2S407",
            "error" if code == "error" else "warning",
            f"{fact}, but the longest utterance leaves {frames} frames for them",
            span,
            f"needs labels + repeats <= frames; at most {frames} frames are left",
            node.path,
            where,
            (
                f"shapes: logits is {logits.named}, "
                + ", ".join(f"{logits.axes[1].name} = {v}" for k, v in sizes.items() if k in logits.time.symbols),
            ),
            ("use a smaller stride, a shorter hop, or lower the limit on labels",),
        )
    )
