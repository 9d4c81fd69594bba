"""S2S712: an export leaves out what the search reads, or gives what a search that feeds the decoder has no use for.

What it does: holds `outputs` of each export against the spec's search. A search over a whole result (greedy_ctc) reads
its scores and their lengths. One that chooses token by token (greedy, beam) reads the logits of one step: two files
leave, an encoder and a step, and tensors over the whole target exist in neither.

Why it is bad: the export fails, after a training that may have taken days.

Bad:

    export onnx {
      precision = fp16
      outputs = [decoder.log_probs]       # error[S2S712]
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
from ...dsl.values import Ref
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S712"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports that cannot be searched."""
    if graph.infer is None:
        for label in graph.exports:
            yield _diagnostic(
                graph, label, "has no search to check it with", "add a search to the decoder: infer = … -> …"
            )
        return
    search = graph.nodes[graph.infer.path]
    (read,) = search.inputs["x"]
    scores = graph.before_derived(read)
    name = _spelt(scores, graph)
    lengths = Ref(scores.path, scores.port, lengths=True)
    for label in graph.exports:
        asked = [graph.before_derived(ref) for ref in setting(graph, f"export.{label}.outputs")]
        # the search's own result is S2S708's
        given = [ref for ref in asked if ref.path != search.path]
        if graph.steps:
            wrong = [ref for ref in given if ref != scores]
            if wrong:
                what = (
                    f"cannot give `{_spelt(wrong[0], graph)}`: {search.operation.name} feeds the decoder token by token"
                )
                yield _diagnostic(graph, label, what, f"write outputs = [{name}]")
        else:
            missing = [ref for ref in (scores, lengths) if ref not in given]
            if missing:
                names = " and ".join(f"`{_spelt(ref, graph)}`" for ref in missing)
                what = f"leaves out {names}, which {search.operation.name} reads"
                yield _diagnostic(graph, label, what, f"write outputs = [{name}, {name}.lengths]")


def _diagnostic(graph: Graph, label: str, what: str, way_out: str) -> Diagnostic:
    place = f"export.{label}.outputs"
    return Diagnostic(CODE, "error", f"export {label} {what}", span_at(graph, place), place=place, helps=(way_out,))


def _spelt(ref: Ref, graph: Graph) -> str:
    """The tensor's name in the spec, or its path where it has none."""
    found = (name for name, known in graph.names.items() if graph.before_derived(known) == Ref(ref.path, ref.port))
    name = next(found, ".".join(piece for piece in (ref.path, ref.port) if piece))
    return f"{name}.lengths" if ref.lengths else name
