"""Check that a decoder can choose its target token by token: nothing in it reads a token that comes later."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Findings
from ...dsl.values import Ref
from ..data_layer import SHIFTED
from ..derive_step import Refusal, derive_step, input_types, reads_targets
from ..graph import Graph, Node
from ..mismatches import shapes_note
from ..pass_contract import graph_pass


@graph_pass(needs=("types",), despite_errors=True)
def check_step(graph: Graph, findings: Findings) -> Graph:
    """Report what keeps the logits of a loss or a search from being computed token by token.

    This is found by what the operations read, not by what they are called: a self_attention without `causal` in a
    decoder makes the logits at t depend on the tokens after t, which training would copy and a search does not have.
    """
    reported: set[str] = set()
    for ref in dict.fromkeys(_logits(graph)):
        leak = reads_targets(graph, ref) if graph.shifted is not None else None
        if leak is not None and leak[0].path not in reported:
            reported.add(leak[0].path)
            _report_leak(*leak, graph, findings)
        for refusal in derive_step(graph, ref)[1]:
            if refusal.path not in reported:
                reported.add(refusal.path)
                _report(refusal, graph, findings)
    _check_found(graph, findings)
    _check_target(graph, findings)
    if not reported:
        _check_search(graph, findings)
    return graph


def _logits(graph: Graph) -> Iterator[Ref]:
    """What the loss and the search read."""
    for ref, name in ((graph.loss, "logits"), (graph.infer, "x")):
        if ref is not None and ref.path in graph.nodes:
            yield from graph.nodes[ref.path].inputs.get(name, ())


def _check_found(graph: Graph, findings: Findings) -> None:
    """What a search over tokens finds is there when all steps are done, and no layer before the logits can read it."""
    for node in graph.needed_for(_logits(graph)).values():
        read = (graph.nodes[ref.path].operation for ref in node.refs() if ref.path in graph.nodes)
        search = next((one for one in read if one.family == "search" and one.autoregressive), None)
        if search is not None:
            findings.error(
                "S2S406",
                f"{node.operation.name} reads what {search.name} finds, which is there when the whole model has run",
                graph.origins.of(node.path).span,
                at="before the logits",
                place=node.path,
                helps=("let the decoder read data.target.shifted: a search fills it with the tokens that it chose",),
            )


def _check_target(graph: Graph, findings: Findings) -> None:
    """A loss over what the decoder is given would teach it to copy."""
    if graph.loss is None or graph.loss.path not in graph.nodes or graph.shifted is None:
        return
    target = graph.nodes[graph.loss.path].inputs.get("target", ())
    if any(ref.path == graph.shifted for ref in target):
        findings.error(
            "S2S414",
            f"the loss compares with `{graph.shifted}`, which the decoder is given: it would learn to copy",
            graph.origins.of(graph.loss.path).span,
            at="each token is one place late",
            place=graph.loss.path,
            helps=(f"compare with {graph.shifted.removesuffix(SHIFTED)}",),
        )


def _check_search(graph: Graph, findings: Findings) -> None:
    """A search over tokens needs a decoder that reads them, and only such a search can feed it."""
    if graph.infer is None or graph.infer.path not in graph.nodes:
        return
    search = graph.nodes[graph.infer.path]
    logits = search.inputs.get("x", ())
    if not logits or not search.outputs:
        return
    name = search.operation.name
    origin = graph.origins.of(search.path)
    fed = any(
        ref.path == graph.shifted and not ref.lengths
        for node in graph.needed_for(logits).values()
        for ref in node.refs()
    )
    if search.operation.autoregressive and not fed:
        findings.error(
            "S2S406",
            f"{name} chooses tokens one after the other, but these logits do not depend on the tokens before them",
            origin.span,
            at="reads no target",
            place=search.path,
            helps=("let the decoder read data.target.shifted",),
        )
    elif fed and not search.operation.autoregressive:
        findings.error(
            "S2S406",
            f"{name} reads logits that depend on the target, which is not there when a model is used",
            origin.span,
            at="nothing feeds the decoder its own tokens",
            place=search.path,
            helps=("search with greedy or beam",),
        )


def _report(refusal: Refusal, graph: Graph, findings: Findings) -> None:
    node, mismatch = graph.nodes[refusal.path], refusal.mismatch
    origin = graph.origins.of(refusal.path)
    findings.add(
        Diagnostic(
            mismatch.code,
            "error",
            mismatch.message,
            origin.span,
            mismatch.at,
            refusal.path,
            mismatch.labels,
            (
                "a decoder chooses its tokens one after the other: what it gives for one must not depend on later ones",
                shapes_note(input_types(node, graph)),
            ),
            mismatch.helps,
            origin.reached,
        )
    )


def _report_leak(node: Node, stream: str, graph: Graph, findings: Findings) -> None:
    origin = graph.origins.of(node.path)
    findings.add(
        Diagnostic(
            "S2S414",
            "error",
            f"the decoder reads `{stream}`, the very tokens that it has to predict",
            origin.span,
            "looks at the answer",
            node.path,
            (),
            (),
            (f"read {graph.shifted}, where each token stands one place later",),
            origin.reached,
        )
    )
