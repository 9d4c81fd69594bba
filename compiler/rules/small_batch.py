"""S2S510: a batch is too small for batch normalisation.

What it does: looks for batches below 8 examples in a model with batch_norm.

Why it is bad: mean and variance of a few examples are noise, and evaluation, which uses their running averages, then
sees another model than training did.

Bad:

    encoder {
      out = data.audio -> linear(16) -> batch_norm
    }
    hyperparameters {
      batch = 2 examples                  # warning[S2S510]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    encoder {
      out = data.audio -> linear(16) -> layer_norm
    }
    hyperparameters {
      batch = 2 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.values import Quantity
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S510"

_LEAST = 8


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find batch_norm over few examples."""
    batch = setting(graph, "hyperparameters.batch")
    norm = next((path for path, node in graph.nodes.items() if node.operation.name == "batch_norm"), None)
    if norm is None or not isinstance(batch, Quantity) or batch.family != "examples" or batch.amount >= _LEAST:
        return
    span = graph.origins.of(norm).span
    yield Diagnostic(
        CODE,
        "warning",
        f"batch_norm takes its statistics over batches of {batch.amount:g} examples",
        span_at(graph, "hyperparameters.batch"),
        place="hyperparameters.batch",
        labels=(Label(span, "normalised here"),) if span is not None else (),
        helps=(f"use {_LEAST} examples or more, or layer_norm",),
    )
