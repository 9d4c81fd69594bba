"""S2S505: attention over more than 2,048 places in fp16.

What it does: works out how many places an attention that computes in fp16 weighs at most, from the data's limits and
the strides before it.

Why it is bad: the weights of a softmax add up to 1, so among 2,048 places the average one is 5e-4, and those that
count little go below 6e-5, where fp16 loses its digits: many small shares that together matter are rounded off.

Bad:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 30s
    }
    encoder {
      out = data.audio -> self_attention(4)               # warning[S2S505]
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 30s
    }
    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> self_attention(4)
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..dim import Dim
from ..graph import Graph
from ..limits_in_text import label_of_limit
from ..longest import longest
from ..precisions import uses

CODE = "S2S505"

_MOST = 2048


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find softmaxes in fp16 over a long axis; each once."""
    sizes = longest(graph)
    seen: set[str] = set()
    for use in uses(graph):
        for path, compute in use.computes.items():
            node = graph.nodes[path]
            if compute != "fp16" or not node.operation.weighs or path in seen:
                continue
            (ref,) = node.inputs[node.operation.weighs]
            given = graph.type_of(ref)
            # a limit that nobody declared proves nothing
            if given is None or not _is_limited(graph, given.time):
                continue
            places = given.time.value(sizes)
            if places <= _MOST:
                continue
            seen.add(path)
            origin = graph.origins.of(path)
            yield Diagnostic(
                CODE,
                "warning",
                f"{node.operation.name} weighs up to {places:,} places, in fp16 in {use.where}",
                origin.span,
                at=f"above {_MOST:,} the weights lose digits",
                place=path,
                labels=label_of_limit(graph, "keep", "the longest comes from here", besides=origin.span),
                helps=("make the sequence shorter first, by a stride", "or choose bf16 or fp32"),
                reached=origin.reached,
            )


def _is_limited(graph: Graph, places: Dim) -> bool:
    """Whether the data says how many there are at most."""
    by_name = {symbol.name: symbol for symbol in graph.symbols}
    for name in places.symbols & by_name.keys():
        symbol = by_name[name]
        if symbol.definition is not None:
            if not _is_limited(graph, symbol.definition):
                return False
        elif symbol.maximum is None:
            return False
    return True
