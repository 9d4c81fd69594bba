"""S2S610: biases or normalisations are decayed.

What it does: looks for `biases = true` and `norms = true` in a regularizer.

Why it is bad: a decay pulls weights to zero because large ones fit noise. A bias has no such part in it, and the scale
of a normalisation belongs near one: pulled to zero, it makes the layer below it learn the opposite. Some old recipes
do it, and repeating one of them is a reason.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      regularizer = l2(1e-4, norms = true)    # info[S2S610]
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      regularizer = l2(1e-4)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix
from ..graph import Graph
from ..settings import is_written, setting, span_at

CODE = "S2S610"

_WHAT = {"biases": "biases", "norms": "scales and shifts of normalisations"}


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a decay of what needs none."""
    regularizer = setting(graph, "hyperparameters.regularizer")
    for name, what in _WHAT.items():
        path = f"hyperparameters.regularizer.{name}"
        if not setting(graph, path) or not is_written(graph, path) or not regularizer.rate:
            continue
        span = span_at(graph, path)
        fixes: tuple[Fix, ...] = ()
        if span is not None and span.text == "true":
            fixes = (Fix(f"write {name} = false", (Edit(span, "false"),), safe=False),)
        yield Diagnostic(
            CODE,
            "info",
            f"{regularizer.name} pulls the {what} to zero, too",
            span,
            place=path,
            helps=(f"leave out {name}",),
            fixes=fixes,
        )
