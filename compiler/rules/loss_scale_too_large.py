"""S2S502: the loss scale cannot get small enough for fp16.

What it does: holds the least scale (`min_scale` of autocast, `min` of backoff and logmax, static's own), shared among
what the loss is averaged over, against the range of fp16. A gradient of the loss towards one logit is a probability, so
up to 1 before it is scaled.

Why it is bad: above 65,504 the first half-precision operation that the gradient meets gives infinity. A scale that may
shrink finds its way; one whose floor is that high overflows at every step, and training ends as diverged.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, start_scale = 2^24, min_scale = 2^22)            # error[S2S502]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, start_scale = 2^24)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Fix, Label
from ...dsl.values import Quantity
from ..graph import Graph
from ..insertions import without_argument
from ..longest import longest
from ..loss_scaling import scaling
from ..number_reach import FP16
from ..settings import setting, span_at

CODE = "S2S502"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a floor at which gradients overflow."""
    scale = scaling(graph)
    batch = setting(graph, "hyperparameters.batch")
    if scale is None or graph.loss is None or not isinstance(batch, Quantity):
        return
    if batch.family == "time":
        return
    average = graph.nodes[graph.loss.path].operation.average
    most = batch.amount
    # a batch in tokens has no more examples than tokens
    if average == "tokens" and batch.family == "examples":
        most *= max(longest(graph).values())
    if scale.least.value / most < FP16.infinite:
        return
    path = scale.least.path
    name = path.rpartition(".")[2]
    where = span_at(graph, "hyperparameters.batch")
    edits = () if scale.name == "static" else without_argument(graph, path)
    yield Diagnostic(
        CODE,
        "error",
        f"the loss scale stays at {scale.least.value:,.0f} or more, and gradients overflow fp16 there",
        span_at(graph, path),
        at=f"divided by {most:,.0f} {average}, above {FP16.largest:,.0f}",
        place=path,
        labels=() if where is None else (Label(where, f"the loss is averaged over at most {most:,.0f} {average}"),),
        helps=("write a smaller one, or backoff()",) if scale.name == "static" else (f"leave out {name}: it is 1",),
        fixes=(Fix(f"leave out {name}", edits, safe=False),) if edits else (),
    )
