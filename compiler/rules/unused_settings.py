"""S2S617: a setting that another setting leaves without a use.

What it does: looks for `hyperparameters.dropout` that nothing reads, metrics of texts where no search makes any,
metrics of likelihoods that the loss does not know, and an `evaluate` without a valid split.

Why it is bad: whoever reads the spec believes that the setting is in force.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      dropout = 0.2                       # warning[S2S617]
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      dropout = 0.2
    }

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu -> dropout(hyperparameters.dropout)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..measured import lacks
from ..settings import is_written, items, setting, span_at

CODE = "S2S617"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find settings that are written and do nothing."""
    for path, why, way_out in _unused(graph):
        if is_written(graph, path):
            span = span_at(graph, path)
            yield Diagnostic(CODE, "warning", f"`{path}` is not used", span, at=why, place=path, helps=(way_out,))
    path = "hyperparameters.metrics"
    for metric, span in items(graph, path):
        found = lacks(graph, metric)
        if found is not None and is_written(graph, path):
            why, way_out = found
            message = f"{metric.name} has nothing to measure"
            yield Diagnostic(CODE, "warning", message, span, at=why, place=path, helps=(way_out,))


def _unused(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Their paths, why nothing uses them, and what would."""
    dropout = "hyperparameters.dropout"
    # where only a condition reads it, no value was computed from it: the text tells
    if graph.origins.sources and not any(dropout in source.text for source in graph.origins.sources):
        yield dropout, "no component reads it", f"write dropout({dropout}) where it is wanted"
    if setting(graph, "data.valid") is None and setting(graph, "data.corpus") is None:
        yield "hyperparameters.evaluate", "there is no valid split", "add valid = split(train, 10%) to the data section"
