"""S2S611: training examples always come in the same order.

What it does: looks for `shuffle = false` in the data section.

Why it is bad: files are sorted by something, speaker, length or topic, so one batch is like the next and the gradient
leans to whatever came last; batch statistics are those of one speaker. It has its use in comparing two programs step
by step.

Bad:

    data speech {
      audio   = logmel(bins = 16)
      text    = alphabet("abc ")
      train   = ["train.jsonl"]
      keep    = 0.5s .. 10s
      shuffle = false                     # warning[S2S611]
    }

Good:

    data speech {
      audio   = logmel(bins = 16)
      text    = alphabet("abc ")
      train   = ["train.jsonl"]
      keep    = 0.5s .. 10s
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S611"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a shuffle that is turned off."""
    if setting(graph, "data.shuffle") is not False:
        return
    span = span_at(graph, "data.shuffle")
    written = span is not None and span.text == "false"
    yield Diagnostic(
        CODE,
        "warning",
        "training examples come in the same order in each epoch",
        span,
        place="data.shuffle",
        helps=("leave out shuffle",),
        fixes=(Fix("write shuffle = true", (Edit(span, "true"),), safe=False),) if written and span else (),
    )
