"""S2S416: valid or test may hold sentences that the model has no place for.

What it does: compares the places of a learned encoding with the upper end of `keep`, where valid or test are read from
files: `keep` is for training, and what is measured stays whole. It is silent where there are a quarter more places
than training needs.

Why it is bad: the first sentence that is too long ends the first evaluation, hours after training began.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      valid  = pair("valid.en", "valid.de")
      keep   = 1 .. 50 tokens
    }

    encoder {
      out = data.source -> embedding(data.source.vocab, 64)
        -> positions(kind = "learned", max_tokens = 51)      # info[S2S416]
    }

Good:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      valid  = pair("valid.en", "valid.de")
      keep   = 1 .. 50 tokens
    }

    encoder {
      out = data.source -> embedding(data.source.vocab, 64)
        -> positions(kind = "learned", max_tokens = 256)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..limits_in_text import label_of_limit
from ..longest import longest
from ..places import times_read
from ..settings import setting

CODE = "S2S416"

_ROOM = 1.25


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find learned encodings with hardly more places than the longest training example needs."""
    measured = [name for name in ("valid", "test") if isinstance(setting(graph, f"data.{name}"), tuple)]
    if graph.data.name != "data.parallel_text" or not measured:
        return
    sizes = longest(graph)
    for path, node in graph.nodes.items():
        places = node.operation.most_places()
        needed = max((time.value(sizes) for time in times_read(node, graph)), default=0)
        if places is None or places >= _ROOM * needed:
            continue
        span = graph.origins.of(path).span
        yield Diagnostic(
            CODE,
            "info",
            f"{' and '.join(measured)} may hold longer texts than {node.operation.name} has places for",
            span,
            at=f"{places:,} places, {needed:,} of them for training",
            place=path,
            labels=label_of_limit(graph, "keep", "this is for training alone", besides=span),
            notes=(f"a text of more than {places - 1:,} tokens and its end mark would end the evaluation",),
            helps=(f"make it {_rounded(2 * needed)}, or take long texts out of {' and '.join(measured)}",),
        )


def _rounded(places: int) -> int:
    return -(-places // 64) * 64
