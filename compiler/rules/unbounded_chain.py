"""S2S516: many layers in fp16 without anything that keeps their numbers small.

What it does: counts the matrix products and convolutions in fp16 one behind the other, without a norm, a clip, a
sigmoid or a tanh between them.

Why it is bad: each layer may make its numbers a little larger, and what grows by 2.5 a layer has left fp16 behind
twelve of them. It begins well and overflows once the weights have grown, after days.

Bad:

    block layer(x: seq) => y { y = x -> linear(16) -> relu }      # info[S2S516]

    encoder {
      out = data.audio -> repeat 12 { layer }
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    block layer(x: seq) => y { y = x -> linear(16) -> layer_norm -> relu }

    encoder {
      out = data.audio -> repeat 12 { layer }
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
from math import inf

from ...dsl.diagnostics import Diagnostic, Label
from ..graph import Graph, Node
from ..precisions import Use, uses

CODE = "S2S516"

_MOST = 8


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find the first layer behind too many others; each chain once."""
    seen: set[str] = set()
    for use in uses(graph):
        for path, chain in _chains(graph, use).items():
            if len(chain) != _MOST + 1 or chain[-1] != path or chain[0] in seen:
                continue
            seen.add(chain[0])
            origin, first = graph.origins.of(path), graph.origins.of(chain[0]).span
            yield Diagnostic(
                CODE,
                "info",
                f"more than {_MOST} layers compute in fp16 in {use.where}, and nothing between keeps numbers small",
                origin.span,
                place=path,
                labels=() if first is None or first == origin.span else (Label(first, "the first of them"),),
                notes=(f"the first of them is {chain[0]}",),
                helps=("put layer_norm, rms_norm, batch_norm or relu(max = 20) between them", "or choose bf16"),
                reached=origin.reached,
            )


def _chains(graph: Graph, use: Use) -> dict[str, tuple[str, ...]]:
    """The products in fp16 up to each node since the last thing that bounds numbers, on its longest way."""
    chains: dict[str, tuple[str, ...]] = {}
    for path, node in graph.nodes.items():
        behind = max((chains.get(ref.path, ()) for ref in node.refs() if not ref.lengths), key=len, default=())
        if _is_bounded(node):
            chains[path] = ()
        elif use.computes.get(path) == "fp16" and node.operation.precision == "half":
            chains[path] = (*behind, path)[: _MOST + 2]
        else:
            chains[path] = behind
    return chains


def _is_bounded(node: Node) -> bool:
    """Whether its results stay small whatever comes in."""
    inputs = {name: tuple(inf for _ in refs) for name, refs in node.inputs.items() if refs}
    known = node.operation.bounds(inputs)
    return node.operation.normalizes or any(size < inf for size in known.values())
