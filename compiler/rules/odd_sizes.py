"""S2S507: a size in half precision is no multiple of 8.

What it does: looks at the features in and out of operations that compute in half precision, in training or an export.

Why it is bad: matrix units work on tiles of 8 numbers; other sizes fall back to slower kernels.

Bad:

    decoder {
      logits    = encoder.out -> linear(5)                # warning[S2S507]
      log_probs = logits -> log_softmax
      infer     = log_probs -> greedy_ctc(blank = 4)
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(bf16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    decoder {
      logits    = encoder.out -> linear(pad_to(8, 5))
      log_probs = logits -> log_softmax
      infer     = log_probs -> greedy_ctc(blank = 4)
    }
    hyperparameters {
      batch = 16 examples
      precision = autocast(bf16)
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix, Label
from ...dsl.values import Ref
from ..dim_origins import labels_of_axis
from ..graph import Graph, Node
from ..settings import setting

CODE = "S2S507"

_TILE = 8


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find odd sizes where half precision is used; each size once, where it comes into being."""
    half = {node.path for node in graph.nodes.values() if node.compute in ("fp16", "bf16")}
    exported = any(_is_half(setting(graph, f"export.{label}.precision")) for label in graph.exports)
    for path, node in graph.nodes.items():
        if node.operation.precision != "half" or not (exported or path in half):
            continue
        where = "training" if path in half else "the export"
        for ref, what in _sides(node):
            given = graph.type_of(ref)
            if given is None or given.element != "real" or given.features % _TILE == 0:
                continue
            if what == "in" and _is_half_output(graph, ref):
                continue
            round_size = -(-given.features // _TILE) * _TILE
            span = graph.origins.of(path).span
            labels = labels_of_axis(graph, ref, given.rank - 1, besides=span)
            yield Diagnostic(
                CODE,
                "warning",
                f"{node.operation.name} computes in half precision with {given.features} features {_WAYS[what]}",
                span,
                f"{given.features} is no multiple of {_TILE}",
                path,
                labels,
                (f"half precision is used in {where}",),
                (f"use pad_to({_TILE}, {given.features}) = {round_size}",),
                fixes=_fixes(labels, given.features),
            )


def _fixes(labels: tuple[Label, ...], features: int) -> tuple[Fix, ...]:
    """Where the size is one written number, that number made round."""
    if len(labels) != 1 or labels[0].span.text != str(features):
        return ()
    text = f"pad_to({_TILE}, {features})"
    return (Fix(f"write {text}", (Edit(labels[0].span, text),), safe=False),)


_WAYS = {"in": "coming in", "out": "going out"}


def _sides(node: Node) -> Iterator[tuple[Ref, str]]:
    for ref in node.refs():
        yield ref, "in"
    for port in node.outputs:
        yield Ref(node.path, port), "out"


def _is_half_output(graph: Graph, ref: Ref) -> bool:
    """Reported at the operation that gives it already."""
    return ref.path in graph.nodes and graph.nodes[ref.path].operation.precision == "half"


def _is_half(precision: object) -> bool:
    return getattr(precision, "name", "") in ("fp16", "bf16")
