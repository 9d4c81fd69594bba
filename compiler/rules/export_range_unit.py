"""S2S713: an export's range of time is in another unit than the data's lengths.

What it does: compares the unit of `dynamic { time = … }` with what the data layer measures: seconds of recordings,
tokens of texts.

Why it is bad: the range is the exported file's promise; one in a unit that its inputs do not have cannot be kept.

Bad:

    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 1 .. 100 tokens }       # error[S2S713]
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
from ...dsl.values import Quantity, Range
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S713"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find ranges of time in the wrong unit."""
    lasts = any(symbol.seconds for symbol in graph.symbols)
    for label in graph.exports:
        path = f"export.{label}.dynamic.time"
        time = setting(graph, path)
        if not isinstance(time, Range) or not isinstance(time.high, Quantity):
            continue
        if (time.high.family == "time") == lasts:
            continue
        unit, example = ("seconds", "0.1s .. 30s") if lasts else ("tokens", "1 .. 100 tokens")
        yield Diagnostic(
            CODE,
            "error",
            f"export {label} counts {time.high.text}, {graph.data.name} has lengths in {unit}",
            span_at(graph, path),
            place=path,
            helps=(f"write time = {example}",),
        )
