"""S2S616: dropout where nothing is trained.

What it does: looks for components that do something in training only, on the way to `infer` or an export alone.

Why it is bad: what the loss does not read is never run in training, so the dropout never drops anything. More often,
the loss reads another tensor than the one that was meant.

Bad:

    decoder {
      logits = encoder.out -> linear(pad_to(8, 5))
      infer  = logits -> log_softmax
        -> dropout(0.1)                   # info[S2S616]
        -> greedy_ctc(blank = 4)
    }

Good:

    decoder {
      logits = encoder.out -> dropout(0.1) -> linear(pad_to(8, 5))
      infer  = logits -> log_softmax -> greedy_ctc(blank = 4)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph

CODE = "S2S616"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find training-only components that the loss does not depend on."""
    if graph.loss is None:
        return
    trained = graph.needed_for([graph.loss])
    used = graph.needed_for(
        [ref for ref in (graph.infer, *(ref for part in graph.exports.values() for ref in part.refs())) if ref]
    )
    for path, node in used.items():
        if path not in trained and node.operation.training_only:
            yield Diagnostic(
                CODE,
                "info",
                f"{node.operation.name} never does anything here: the loss does not read `{path}`",
                graph.origins.of(path).span,
                at="on no way to the loss",
                place=path,
                helps=("put it before what the loss reads, or remove it",),
            )
