"""S2S704: a half-precision export is not compared with the model, or too loosely.

What it does: looks for `check { … }` in each export in fp16, and at its tolerance.

Why it is bad: half precision rounds and overflows where float32 does not; only a comparison on real examples shows it.
Probabilities that may differ by 0.1 allow another transcript.

Bad:

    export onnx {                         # warning[S2S704]
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
    }

Good:

    export onnx {
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..settings import is_written, setting, span_at

CODE = "S2S704"

_LOOSEST = 0.1


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find fp16 exports without a comparison that means something."""
    for label in graph.exports:
        precision = setting(graph, f"export.{label}.precision")
        tolerance = setting(graph, f"export.{label}.check.max_abs_diff")
        if precision is None or precision.name != "fp16":
            continue
        if not is_written(graph, f"export.{label}.check"):
            yield Diagnostic(
                CODE,
                "warning",
                f"export {label} in fp16 has no check",
                span_at(graph, f"export.{label}"),
                place=f"export.{label}.check",
                helps=("add check { examples = 16; max_abs_diff = 2e-2 }",),
            )
        elif tolerance is not None and tolerance > _LOOSEST:
            yield Diagnostic(
                CODE,
                "warning",
                f"export {label} lets probabilities differ by {tolerance:g}",
                span_at(graph, f"export.{label}.check.max_abs_diff"),
                at=f"above {_LOOSEST:g} another transcript passes",
                place=f"export.{label}.check.max_abs_diff",
                helps=("write max_abs_diff = 2e-2",),
            )
