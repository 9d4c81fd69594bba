"""S2S514: the loss scale grows so often that steps are lost.

What it does: looks for a `grow_every` of autocast, or a `window` of backoff, below 50 steps.

Why it is bad: once the scale has found its size, each growth makes the next step overflow, and that step is left out.
With 9 steps between, one step in ten is computed and thrown away; batches with large gradients are among them more
often than others.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, grow_every = 9 steps)    # warning[S2S514]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, grow_every = 500 steps)
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

CODE = "S2S514"

_LEAST = 50


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a growth every few steps."""
    scale = scaling(graph)
    if scale is None or scale.window is None or scale.window.value >= _LEAST:
        return
    steps, path = int(scale.window.value), scale.window.path
    yield Diagnostic(
        CODE,
        "warning",
        f"the loss scale grows every {steps} steps, and the step behind overflows",
        span_at(graph, path),
        at=f"up to one step in {steps + 1} is left out",
        place=path,
        helps=("leave it out: it is 2000 steps", f"or write {_LEAST} steps or more"),
    )
