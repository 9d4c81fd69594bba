"""S2S614: the checkpoint interval is longer than the run.

What it does: compares `checkpoint.every` with `stop`, where both count the same thing.

Why it is bad: no checkpoint is written before the end, so a crash loses everything.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 100 steps
      seed = 17
      checkpoint { every = 1000 steps }   # warning[S2S614]
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 100 steps
      seed = 17
      checkpoint { every = 20 steps }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.values import Quantity
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S614"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find an interval that the run never reaches."""
    path = "hyperparameters.checkpoint.every"
    every, stop = setting(graph, path), setting(graph, "hyperparameters.stop")
    if not isinstance(every, Quantity) or not isinstance(stop, Quantity) or every.family != stop.family:
        return
    if every.amount > stop.amount:
        end = span_at(graph, "hyperparameters.stop")
        yield Diagnostic(
            CODE,
            "warning",
            f"a checkpoint every {every.amount:g} {every.family} is never written in a run of {stop.amount:g}",
            span_at(graph, path),
            place=path,
            labels=(Label(end, "the run ends here"),) if end is not None else (),
            helps=(f"write every = {max(1, int(stop.amount) // 5)} {every.family}",) if every.family != "time" else (),
        )
