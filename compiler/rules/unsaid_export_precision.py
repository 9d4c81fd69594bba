"""S2S711: an export changes the precision of the weights without saying so.

What it does: looks for exports that leave out `precision` where the file's default is not what training computes in.

Why it is bad: fp16 rounds every weight of a matrix and ends at 65,504. Whoever trains in float32 and reads the export
sees nothing of it, and the differences turn up where the file is used.

Bad:

    export onnx {                         # info[S2S711]
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
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

from ...dsl.diagnostics import Diagnostic, Fix, Label
from ..graph import Graph
from ..insertions import before_setting
from ..passes.assign_precision import given_in, half_of
from ..settings import is_written, setting, span_at

CODE = "S2S711"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports in a precision that neither they nor training name."""
    trained = half_of(setting(graph, "hyperparameters.precision"))
    for label in graph.exports:
        path = f"export.{label}.precision"
        leaving = half_of(setting(graph, path))
        if is_written(graph, path) or leaving == given_in(trained):
            continue
        said = span_at(graph, "hyperparameters.precision") if is_written(graph, "hyperparameters.precision") else None
        text = f"precision = {leaving}"
        edits = before_setting(graph, f"export.{label}.outputs", text)
        yield Diagnostic(
            CODE,
            "info",
            f"export {label} leaves in {leaving}, which nothing here says; training computes in {trained}",
            span_at(graph, path),
            place=path,
            labels=() if said is None else (Label(said, f"{trained} is said here"),),
            helps=(f"write {text}, or another that is meant",),
            fixes=(Fix(f"write {text}", edits, safe=True),) if edits else (),
        )
