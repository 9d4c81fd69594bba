"""S2S709: a batch norm stays in the exported file.

What it does: looks for batch_norm in an export that does not stand right behind a convolution or a linear map of its
own. In evaluation it is one factor and one shift for each feature; an export multiplies them into the weights before
it, where no other operation reads those weights' result.

Why it is bad: it is not wrong, but what could cost nothing is one more pass over all frames, in fp16 with another
rounding.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu -> batch_norm  # info[S2S709]
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> batch_norm -> relu
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ..components.batch_norm import BatchNorm
from ..graph import Graph, Node
from ..settings import setting

CODE = "S2S709"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find batch norms that have no weights to go into."""
    owners = Counter(node.weights for node in graph.nodes.values())
    for label in graph.exports:
        held = graph.needed_for(setting(graph, f"export.{label}.outputs"))
        tied = {node.operation.values().get("tie") for node in held.values()} - {None}
        for path, node in held.items():
            if not isinstance(node.operation, BatchNorm):
                continue
            source = _before(graph, node)
            why = _why(graph, held, source, owners, tied)
            if not why:
                continue
            span = None if source is None else graph.origins.of(source.path).span
            yield Diagnostic(
                CODE,
                "info",
                f"batch_norm cannot become part of other weights in export {label}: {why}",
                graph.origins.of(path).span,
                place=path,
                labels=() if span is None or span == graph.origins.of(path).span else (Label(span, "this it reads"),),
                helps=("put it right behind a convolution or a linear map",),
                reached=graph.origins.of(path).reached,
            )


def _before(graph: Graph, norm: Node) -> Node | None:
    """What an exported batch norm reads, past casts and past what acts in training only."""
    (ref,) = norm.inputs["x"]
    node = graph.nodes.get(ref.path)
    while node is not None and (node.operation.training_only or node.operation.name == "cast"):
        node = graph.nodes.get(next(node.refs()).path)
    return node


def _why(graph: Graph, held: dict[str, Node], source: Node | None, owners: Counter[str], tied: set[object]) -> str:
    if source is None or source.path.startswith("data."):
        return "it reads the data"
    name = source.operation.name
    if not source.operation.folds:
        return f"it reads {name}"
    if owners[source.weights] > 1 or source.weights in tied:
        return f"the weights of {name} are used elsewhere too"
    readers = {node.path for node in _readers(graph, source.path) if node.path in held}
    return f"{len(readers)} operations read {name}" if len(readers) > 1 else ""


def _readers(graph: Graph, path: str) -> Iterator[Node]:
    """Who reads a node's numbers in an export."""
    for node in graph.nodes.values():
        if not any(ref.path == path and not ref.lengths for ref in node.refs()):
            continue
        if node.operation.training_only or node.operation.name == "cast":
            yield from _readers(graph, node.path)
        else:
            yield node
