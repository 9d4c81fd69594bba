"""S2S701: an operation has no form in the chosen ONNX operator set.

What it does: compares `opset` of each export with the first set that each operation it holds can leave in, and with the
first one that files are written for at all.

Why it is bad: the export fails, or gives a file that a reader of that set refuses, after a training that may have taken
days.

Bad:

    export onnx {
      precision = fp16
      opset = 16                          # error[S2S701]
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    export onnx {
      precision = fp16
      opset = 18
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix, Label
from ..graph import Graph
from ..parts.sections.export_onnx import FIRST_OPSET
from ..settings import is_written, setting, span_at

CODE = "S2S701"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports for a set older than what they hold."""
    for label in graph.exports:
        path = f"export.{label}.opset"
        opset = setting(graph, path)
        needed, newest = FIRST_OPSET, ""
        for node in graph.needed_for(setting(graph, f"export.{label}.outputs")).values():
            if (node.operation.opset or 0) > needed:
                needed, newest = node.operation.opset or 0, node.path
        if opset >= needed:
            continue
        span = span_at(graph, path)
        where = graph.origins.of(newest).span if newest else None
        what = f"{graph.nodes[newest].operation.name} cannot leave before" if newest else "files are written from"
        edits = (Edit(span, str(needed)),) if span is not None and is_written(graph, path) else ()
        yield Diagnostic(
            CODE,
            "error",
            f"export {label} is for opset {opset}, but {what} opset {needed}{'' if newest else ' on'}",
            span,
            place=path,
            labels=() if where is None else (Label(where, f"needs opset {needed}"),),
            helps=(f"write opset = {needed}, if the readers of the file know it",),
            fixes=(Fix(f"write {needed}", edits, safe=False),) if edits else (),
        )
