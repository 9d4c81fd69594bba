"""S2S618: the size of a batch does not suit the data.

What it does: looks for batches of texts that are counted in seconds, and for batches counted in tokens that have no
room for the longest text that `keep` allows.

Why it is bad: texts have no length in seconds; and a text that is longer than its batch makes the batch larger than
declared, and the memory that it takes larger than planned.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      valid  = pair("valid.en", "valid.de")
      keep   = 1 .. 50 tokens
    }
    encoder {
      out = data.source -> embedding(data.source.vocab, 16) -> lstm(16)
    }
    decoder {
      h      = data.target.shifted -> embedding(data.target.vocab, 16) -> lstm(16)
      logits = (h, encoder.out) -> cross_attention(2) -> linear(data.target.vocab)
      infer  = logits -> greedy
    }
    loss = cross_entropy(decoder.logits, data.target)
    hyperparameters {
      batch = 32 tokens                   # warning[S2S618]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      valid  = pair("valid.en", "valid.de")
      keep   = 1 .. 50 tokens
    }
    encoder {
      out = data.source -> embedding(data.source.vocab, 16) -> lstm(16)
    }
    decoder {
      h      = data.target.shifted -> embedding(data.target.vocab, 16) -> lstm(16)
      logits = (h, encoder.out) -> cross_attention(2) -> linear(data.target.vocab)
      infer  = logits -> greedy
    }
    loss = cross_entropy(decoder.logits, data.target)
    hyperparameters {
      batch = 4096 tokens
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

CODE = "S2S618"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find batches in a unit that the data does not have, or without room for one example."""
    path = "hyperparameters.batch"
    batch = setting(graph, path)
    if not isinstance(batch, Quantity) or any(symbol.seconds for symbol in graph.symbols):
        return
    if batch.family == "time":
        yield Diagnostic(
            CODE,
            "error",
            f"texts have no length in seconds, got batch = {batch.text}",
            span_at(graph, path),
            place=path,
            helps=("write batch = 4096 tokens or 64 examples",),
        )
        return
    longest = max((symbol.maximum or 0 for symbol in graph.symbols if symbol.definition is None), default=0)
    if batch.family != "tokens" or batch.amount >= longest:
        return
    kept = span_at(graph, "data.keep")
    yield Diagnostic(
        CODE,
        "warning",
        f"a batch of {batch.amount:g} tokens has no room for a text of {longest - 1} tokens and its mark",
        span_at(graph, path),
        place=path,
        labels=() if kept is None else (Label(kept, "texts of that length are kept"),),
        helps=(f"write batch = {longest} tokens or more, or keep shorter texts",),
    )
