"""S2S409: the receptive field is longer than the longest utterance.

What it does: compares how many frames one output sees with the data's upper limit.

Why it is bad: it is not wrong, but the outer part of the field only ever sees padding: its weights are not trained.

Bad:

    encoder {
      out = data.audio
        -> conv1d(16, kernel = 2001)      # info[S2S409]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 11)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..limits_in_text import label_of_limit
from ..receptive_field import fields_of

CODE = "S2S409"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find the first operation whose outputs see more frames than there can be."""
    frames = next((symbol for symbol in graph.symbols if symbol.definition is not None), None)
    if frames is None or frames.maximum is None:
        return
    for path, field in fields_of(graph).items():
        if field.frames <= frames.maximum:
            continue
        span = graph.origins.of(path).span
        yield Diagnostic(
            CODE,
            "info",
            f"each output sees {field.frames} frames, but the longest utterance has {frames.maximum}",
            span,
            place=path,
            labels=label_of_limit(graph, "keep", "the longest comes from here", besides=span),
        )
        return
