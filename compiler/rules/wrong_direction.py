"""S2S607: the best checkpoint is the worst one.

What it does: compares `min(…)` and `max(…)` with what is better for the metric.

Why it is bad: max(valid.wer) keeps the checkpoint that makes the most mistakes.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      metrics = [wer]
      checkpoint { best = max(valid.wer) }    # warning[S2S607]
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      metrics = [wer]
      checkpoint { best = min(valid.wer) }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix
from ...dsl.source import Span
from ...dsl.values import SplitMetric
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S607"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a direction that contradicts the metric."""
    path = "hyperparameters.checkpoint.best"
    best = setting(graph, path)
    if not isinstance(best, SplitMetric) or not best.direction:
        return
    directions = {metric.name: metric.facts().get("direction") for metric in setting(graph, "hyperparameters.metrics")}
    better = {"loss": "min", **directions}.get(best.metric)
    if better and better != best.direction:
        least = "less" if better == "min" else "more"
        yield Diagnostic(
            CODE,
            "warning",
            f"{best.direction}({best.split}.{best.metric}) keeps the worst checkpoint",
            span_at(graph, path),
            at=f"{least} {best.metric} is better",
            place=path,
            helps=(f"write {better}({best.split}.{best.metric})",),
            fixes=_fixes(span_at(graph, path), best.direction, better),
        )


def _fixes(span: Span | None, written: str, better: str) -> tuple[Fix, ...]:
    """Write the other direction, where it is written here."""
    if span is None or not span.text.startswith(written):
        return ()
    word = Span(span.source, span.start, span.start + len(written))
    return (Fix(f"write {better}", (Edit(word, better),), safe=False),)
