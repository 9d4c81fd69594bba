"""S2S601: the run has no seed.

What it does: looks for `seed` in hyperparameters.

Why it is bad: two runs of the same spec start from the same default seed today, but nothing in the spec says that this
was meant; a result without a seed cannot be told from luck.

Bad:

    hyperparameters {                     # warning[S2S601]
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Fix
from ..graph import Graph
from ..insertions import before_setting
from ..settings import is_written, setting, span_at

CODE = "S2S601"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a missing seed."""
    if not is_written(graph, "hyperparameters.seed"):
        text = f"seed = {setting(graph, 'hyperparameters.seed')}"
        edits = before_setting(graph, "hyperparameters.batch", text)
        yield Diagnostic(
            CODE,
            "warning",
            "hyperparameters have no seed",
            span_at(graph, "hyperparameters"),
            place="hyperparameters.seed",
            helps=("add seed = 17, or any other number",),
            # the one that it has today: training stays the same
            fixes=(Fix(f"add {text}", edits, safe=True),) if edits else (),
        )
