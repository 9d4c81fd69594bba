"""S2S606: the best checkpoint is chosen by a metric that is not computed.

What it does: looks up the metric of `checkpoint.best` in `metrics`, and its split in the data section.

Why it is bad: no checkpoint would ever be the best one. The test split may not choose: a score on examples that chose
the checkpoint says nothing about new ones.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      metrics = [cer]
      checkpoint { best = min(valid.wer) }    # error[S2S606]
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
      metrics = [wer, cer]
      checkpoint { best = min(valid.wer) }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.values import SplitMetric
from ..graph import Graph
from ..measured import lacks
from ..settings import setting, span_at

CODE = "S2S606"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a choice by something that nobody measures."""
    path = "hyperparameters.checkpoint.best"
    best = setting(graph, path)
    if not isinstance(best, SplitMetric):
        return
    metrics = {metric.name: metric for metric in setting(graph, "hyperparameters.metrics") or ()}
    missing = {name: found for name, metric in metrics.items() if (found := lacks(graph, metric)) is not None}
    computed = ["loss", *(name for name in metrics if name not in missing)]
    span = span_at(graph, path)
    if best.split != "valid":
        why = "the test split chooses nothing" if best.split == "test" else f"{best.split} is not measured"
        yield Diagnostic(
            CODE,
            "error",
            f"the best checkpoint is chosen by {best.split}.{best.metric}, but {why}",
            span,
            place=path,
            helps=(f"choose by valid.{best.metric}",),
        )
    elif best.metric not in computed:
        listed = ", ".join([*metrics, best.metric])
        _, way_out = missing.get(best.metric, ("", f"write metrics = [{listed}]"))
        yield Diagnostic(
            CODE,
            "error",
            f"the best checkpoint is chosen by {best.metric}, which is not computed",
            span,
            at=f"computed are {', '.join(computed)}",
            place=path,
            helps=(way_out,),
        )
    elif setting(graph, "data.valid") is None and setting(graph, "data.corpus") is None:
        yield Diagnostic(
            CODE,
            "error",
            f"the best checkpoint is chosen by valid.{best.metric}, but the data has no valid split",
            span,
            place=path,
            helps=("add valid = split(train, 10%) to the data section",),
        )
