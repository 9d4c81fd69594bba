"""S2S506: a result can pass what fp16 holds.

What it does: follows the largest numbers that there can be through operations that compute in fp16, from where they are
known (a clip, a sigmoid, a tanh, the states of a recurrent layer) through sums, products, factors and joins.

Why it is bad: each number fits, their sum is infinity. It needs one loud example to happen, so a run lives for days and
then every weight is no number.

Bad:

    encoder {
      h   = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu(max = 40_000)
      out = h + h                         # warning[S2S506]
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    encoder {
      h   = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu(max = 20)
      out = h + h
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

from collections.abc import Iterator, Mapping
from math import inf

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.values import Ref
from ..graph import Graph, Node
from ..number_reach import FP16
from ..precisions import uses

CODE = "S2S506"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find results that overflow where what they are made of does not; each once."""
    known = _bounds(graph)
    seen: set[str] = set()
    for use in uses(graph):
        for path, compute in use.computes.items():
            node = graph.nodes[path]
            largest = max(known[path].values(), default=inf)
            if compute != "fp16" or path in seen or not FP16.infinite <= largest < inf:
                continue
            read = [_of(ref, known) for ref in node.refs() if not ref.lengths]
            # what is too large already was reported where it became so; a clip above the range is S2S504's
            if not read or max(read) >= FP16.infinite or _has_infinite_constant(node):
                continue
            seen.add(path)
            origin = graph.origins.of(path)
            yield Diagnostic(
                CODE,
                "warning",
                f"{node.operation.name} can give {largest:,.0f}, and {use.where} computes it in fp16",
                origin.span,
                at=f"fp16 ends at {FP16.largest:,.0f}",
                place=path,
                labels=_labels(graph, node, known),
                helps=("clip what goes in lower, or put scale(…) before it", "or choose bf16 or fp32"),
                reached=origin.reached,
            )


def _has_infinite_constant(node: Node) -> bool:
    constants = (node.operation.values()[name] for name in node.operation.constants)
    return any(value is not None and abs(value) >= FP16.infinite for value in constants)


def _bounds(graph: Graph) -> dict[str, Mapping[str, float]]:
    """The largest numbers of each node's outputs; infinity where nothing is known."""
    known: dict[str, Mapping[str, float]] = {}
    for path, node in graph.nodes.items():
        inputs = {name: tuple(_of(ref, known) for ref in refs) for name, refs in node.inputs.items() if refs}
        given = node.operation.bounds(inputs)
        known[path] = {port: given.get(port, inf) for port in node.outputs}
    return known


def _of(ref: Ref, known: Mapping[str, Mapping[str, float]]) -> float:
    ports = known.get(ref.path)
    if not ports:
        return inf
    return ports[ref.port] if ref.port else next(iter(ports.values()))


def _labels(graph: Graph, node: Node, known: Mapping[str, Mapping[str, float]]) -> tuple[Label, ...]:
    """Where each input comes from and how large it can be."""
    found: dict[str, Label] = {}
    for ref in node.refs():
        source = graph.before_derived(ref)
        span = graph.origins.of(source.path).span
        if span is not None and span != graph.origins.of(node.path).span:
            found.setdefault(source.path, Label(span, f"up to {_of(ref, known):,.0f} from here"))
    return tuple(found.values())
