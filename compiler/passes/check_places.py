"""Check that there is a place for everything that the data keeps."""

from __future__ import annotations

from ...dsl.diagnostics import Findings
from ..graph import Graph
from ..limits_in_text import label_of_limit
from ..longest import longest
from ..pass_contract import graph_pass
from ..places import times_read


@graph_pass(needs=("types",), despite_errors=True)
def check_places(graph: Graph, findings: Findings) -> Graph:
    """Report each operation with fewer places than the longest kept example has (learned positions).

    Data that has no upper limit is not judged.
    """
    sizes = longest(graph)
    limited = {one.name for one in graph.symbols if one.definition is not None or one.maximum is not None}
    for path, node in graph.nodes.items():
        most = node.operation.most_places()
        if most is None:
            continue
        lengths = [time.value(sizes) for time in times_read(node, graph) if time.symbols <= limited]
        needed = max(lengths, default=0)
        if needed > most:
            origin = graph.origins.of(path)
            findings.error(
                "S2S408",
                f"{node.operation.name} has {most:,} places, but the longest kept example has {needed:,} here",
                origin.span,
                at=f"{most:,} places",
                place=path,
                labels=label_of_limit(graph, "keep", "the longest comes from here", besides=origin.span),
                helps=(f"make it {needed} or more, or lower the upper end of `keep`",),
                notes=("an end mark has a place too",) if graph.shifted is not None else (),
            )
    return graph
