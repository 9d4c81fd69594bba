"""S2S703: an export does not say which sizes may change.

What it does: looks for `dynamic { batch = …; time = … }` in each export.

Why it is bad: the ranges are what the exported file is tested for and what its users may rely on; left out, they are
the tool's guess and change with it.

Bad:

    export onnx {                         # warning[S2S703]
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
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

from ...dsl.diagnostics import Diagnostic, Fix
from ..graph import Graph
from ..insertions import before_setting
from ..settings import is_written, span_at

CODE = "S2S703"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports without ranges for batch or time."""
    time = "0.1s .. 30s" if any(symbol.seconds for symbol in graph.symbols) else "1 .. 100 tokens"
    for label in graph.exports:
        missing = [axis for axis in ("batch", "time") if not is_written(graph, f"export.{label}.dynamic.{axis}")]
        if missing:
            text = f"dynamic {{ batch = 1 .. 64; time = {time} }}"
            # where one of both is said, the section is there already
            edits = before_setting(graph, f"export.{label}.outputs", text) if len(missing) == 2 else ()
            yield Diagnostic(
                CODE,
                "warning",
                f"export {label} does not say how {' and '.join(missing)} may change",
                span_at(graph, f"export.{label}"),
                place=f"export.{label}.dynamic",
                helps=(f"add {text}",),
                fixes=(Fix(f"add {text}", edits, safe=True),) if edits else (),
            )
