"""S2S714: an export would hold a loop over a sequence.

What it does: finds components that work through a sequence token by token in a loop (attention_rnn), outside a decoder
that a search feeds.

Why it is bad: an exported file has no such loop. Of a decoder that greedy or beam feeds, the step leaves, and the
search is the loop; everywhere else the number of tokens would be fixed to that of one example.

Bad:

    encoder {
      low = data.audio -> conv1d(32, kernel = 3, stride = 2) -> relu
      out = attention_rnn(low, low, size = 32)  # error[S2S714]
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    encoder {
      low = data.audio -> conv1d(32, kernel = 3, stride = 2) -> relu
      out = attention(low -> lstm(32), low, kind = "dot")
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.1s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..settings import setting

CODE = "S2S714"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find loops that an export cannot hold."""
    looping: dict[str, str] = {}
    for label in graph.exports:
        for path, node in graph.needed_for(setting(graph, f"export.{label}.outputs")).items():
            if node.operation.loops and not (graph.steps and _is_fed(graph, path)):
                looping.setdefault(path, label)
    for path, label in looping.items():
        name = graph.nodes[path].operation.name
        yield Diagnostic(
            CODE,
            "error",
            f"export {label} cannot hold {name}, which works through its tokens in a loop",
            graph.origins.of(path).span,
            at="a loop",
            place=path,
            helps=("lstm and attention do without a loop", "in a decoder that greedy or beam feeds it can be exported"),
        )


def _is_fed(graph: Graph, path: str) -> bool:
    """Whether a node depends on the tokens that a search feeds."""
    return any(
        ref.path == graph.shifted for node in graph.needed_for(graph.nodes[path].refs()).values() for ref in node.refs()
    )
