"""Check that the shortest kept utterance leaves frames everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from ...dsl.diagnostics import Findings
from ..dim import Dim
from ..graph import Graph
from ..limits_in_text import label_of_limit
from ..longest import shortest
from ..pass_contract import graph_pass


@graph_pass(needs=("types",), despite_errors=True)
def check_lengths(graph: Graph, findings: Findings) -> Graph:
    """Report the first operation on each path that leaves less than one frame of the shortest kept utterance."""
    sizes = shortest(graph)
    # a text may be empty: that is for the loss to say
    empty = {
        path
        for path, given in graph.inputs.items()
        if given.is_seq and given.time.symbols <= sizes.keys() and given.time.value(sizes) < 1
    }
    for path, node in graph.nodes.items():
        for given in node.outputs.values():
            if not given.is_seq or not given.time.symbols <= sizes.keys():
                continue
            left = given.time.value(sizes)
            if left >= 1:
                continue
            if not any(ref.path in empty for ref in node.refs()):
                span = graph.origins.of(path).span
                before = [known for ref in node.refs() if (known := graph.type_of(ref)) is not None and known.is_seq]
                frames = before[0].time.value(sizes) if before else 0
                findings.error(
                    "S2S408",
                    f"the shortest kept utterance leaves {max(left, 0)} frames after `{path}`",
                    span,
                    at=f"{frames} frames come in",
                    place=path,
                    labels=label_of_limit(graph, "keep", "the shortest comes from here", besides=span),
                    notes=(f"shapes: {given.time} with {_listed(given.time, sizes)}",),
                    helps=("raise the lower end of `keep`, or use shorter kernels or smaller strides",),
                )
            empty.add(path)
    return graph


def _listed(dim: Dim, sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{symbol} = {sizes[symbol]}" for symbol in sorted(dim.symbols))
