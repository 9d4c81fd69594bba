"""S2S519: the loss scale may fall below 1.

What it does: looks for a `min_scale` of autocast, or a `min` of backoff and logmax, below 1.

Why it is bad: a scale keeps small gradients from becoming 0. Gradients that overflow without any scale are no matter of
precision: training diverges. With a floor of 1 that is said within a few steps; below it the scale goes on shrinking
towards 0, each step is left out, and the run spends its days doing nothing.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, min_scale = 1e-4)        # warning[S2S519]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, min_scale = 1)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..loss_scaling import scaling
from ..settings import span_at

CODE = "S2S519"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a floor that lets a run which diverges go on."""
    scale = scaling(graph)
    if scale is None or scale.least.value >= 1 or scale.name == "static":
        return
    path = scale.least.path
    yield Diagnostic(
        CODE,
        "warning",
        f"the loss scale may fall to {scale.least.value:g}: gradients that overflow at 1 are diverging",
        span_at(graph, path),
        place=path,
        helps=("leave it out: it is 1", "if fp16 overflows without a scale, choose bf16"),
    )
