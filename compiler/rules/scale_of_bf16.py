"""S2S512: a loss scale for bf16.

What it does: looks for `start_scale`, `grow_every`, `min_scale` and `loss_scale` beside bf16.

Why it is bad: bf16 has the exponents of float32, so its gradients do not become 0, and nothing is scaled. Whoever reads
the spec believes that the setting is in force.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(bf16, start_scale = 1024)      # info[S2S512]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, start_scale = 1024)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Fix
from ..graph import Graph
from ..insertions import without_argument
from ..settings import is_written, setting, span_at

CODE = "S2S512"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find settings of a scale that there is not."""
    dtype = setting(graph, "hyperparameters.precision.dtype")
    if dtype is None or dtype.name != "bf16":
        return
    for name in ("start_scale", "grow_every", "min_scale", "loss_scale"):
        path = f"hyperparameters.precision.{name}"
        if not is_written(graph, path) and (name != "loss_scale" or setting(graph, path) is None):
            continue
        edits = without_argument(graph, path)
        yield Diagnostic(
            CODE,
            "info",
            f"`{path}` is not used: bf16 needs no loss scale",
            span_at(graph, path),
            place=path,
            helps=(f"leave out {name}, or say fp16",),
            fixes=(Fix(f"leave out {name}", edits, safe=True),) if edits else (),
        )
