"""S2S708: an export asks for the search inside the file.

What it does: looks for the result of the spec's search among the `outputs` of each export.

Why it is bad: no search leaves. The file gives the scores that a search reads, and whoever uses the file searches: a
wider beam or another penalty is then no new export.

Bad:

    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths, decoder.infer]   # error[S2S708]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..settings import items

CODE = "S2S708"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports that name what a search gives."""
    for label in graph.exports:
        path = f"export.{label}.outputs"
        for ref, span in items(graph, path):
            node = graph.nodes.get(ref.path)
            if node is None or node.operation.family != "search":
                continue
            yield Diagnostic(
                CODE,
                "error",
                f"export {label} gives the result of {node.operation.name}, but a search stays outside of the file",
                span,
                place=path,
                helps=(f"leave it out: whoever runs the file searches with {node.operation.name}",),
            )
