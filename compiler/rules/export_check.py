"""S2S704: a half-precision export is not compared with the model, or too loosely.

What it does: looks for `check { … }` in each export in fp16, and at its tolerance.

Why it is bad: half precision rounds and overflows where float32 does not; only a comparison on real examples shows it.
Probabilities that may differ by 0.1 allow another transcript.

Bad:

    export onnx {                         # warning[S2S704]
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
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

from ...dsl.diagnostics import Diagnostic, Edit, Fix
from ..graph import Graph
from ..insertions import before_setting
from ..settings import is_written, setting, span_at

CODE = "S2S704"

_LOOSEST = 0.1
_CHECK = "check { examples = 16; max_abs_diff = 2e-2 }"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find fp16 exports without a comparison that means something."""
    for label in graph.exports:
        precision = setting(graph, f"export.{label}.precision")
        tolerance = setting(graph, f"export.{label}.check.max_abs_diff")
        if precision is None or precision.name != "fp16":
            continue
        if not is_written(graph, f"export.{label}.check"):
            edits = before_setting(graph, f"export.{label}.outputs", _CHECK)
            yield Diagnostic(
                CODE,
                "warning",
                f"export {label} in fp16 has no check",
                span_at(graph, f"export.{label}"),
                place=f"export.{label}.check",
                helps=(f"add {_CHECK}",),
                fixes=(Fix(f"add {_CHECK}", edits, safe=True),) if edits else (),
            )
        elif tolerance is not None and tolerance > _LOOSEST:
            span = span_at(graph, f"export.{label}.check.max_abs_diff")
            yield Diagnostic(
                CODE,
                "warning",
                f"export {label} lets probabilities differ by {tolerance:g}",
                span,
                at=f"above {_LOOSEST:g} another transcript passes",
                place=f"export.{label}.check.max_abs_diff",
                helps=("write max_abs_diff = 2e-2",),
                fixes=() if span is None else (Fix("write 2e-2", (Edit(span, "2e-2"),), safe=True),),
            )
