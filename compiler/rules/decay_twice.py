"""S2S619: weights are decayed twice.

What it does: looks for weight_decay as a regularizer beside an optimizer that decays weights by itself.

Why it is bad: adamw has a weight_decay of its own, 0.01 unless said, and weight_decay as a regularizer comes on top of
it: the weights shrink by the sum, and neither number says by how much.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adamw(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      regularizer = weight_decay(1e-4)    # warning[S2S619]
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      regularizer = weight_decay(1e-4)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S619"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a decay beside an optimizer's own."""
    path = "hyperparameters.regularizer"
    optimizer, regularizer = setting(graph, "hyperparameters.optimizer"), setting(graph, path)
    share = setting(graph, "hyperparameters.optimizer.weight_decay")
    if share and regularizer is not None and regularizer.name == "weight_decay" and regularizer.rate:
        yield Diagnostic(
            CODE,
            "warning",
            f"{regularizer.name} shrinks weights that {optimizer.name} shrinks already",
            span_at(graph, path),
            at=f"besides weight_decay = {share:g} of {optimizer.name}",
            place=path,
            helps=(f"leave it out, or write {optimizer.name}(…, weight_decay = 0)",),
        )
