"""S2S707: the weights of an export do not fit into one file.

What it does: adds up the bytes of the weights that each exported file holds, in the precision that each leaves in.

Why it is bad: an ONNX file is a protobuf message, which ends at 2 GiB, and weights in files beside it are not written
yet: the export would fail, after the training.

Bad:

    encoder {
      out = data.audio -> conv1d(40_000, kernel = 1) -> relu -> linear(40_000)
    }
    export onnx {                         # error[S2S707]
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    encoder {
      out = data.audio -> conv1d(20_000, kernel = 1) -> relu -> linear(20_000)
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ..graph import Graph
from ..parts.sections.export_onnx import MOST_WEIGHT_BYTES
from ..passes.count_cost import ITEM_BYTES
from ..settings import setting, span_at

CODE = "S2S707"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find exports with a file of 2 GiB or more."""
    for label in graph.exports:
        half = setting(graph, f"export.{label}.precision").name
        held = graph.needed_for(setting(graph, f"export.{label}.outputs"))
        sizes = {
            path: node.cost.parameters * ITEM_BYTES[half if node.operation.precision == "half" else "fp32"]
            for path, node in held.items()
        }
        for file, paths in _files(graph, list(held)).items():
            total = sum(sizes[path] for path in paths)
            if total <= MOST_WEIGHT_BYTES:
                continue
            largest = max(paths, key=lambda path: sizes[path])
            span = graph.origins.of(largest).span
            yield Diagnostic(
                CODE,
                "error",
                f"{file} of export {label} has {total / 2**30:.1f} GiB of weights, but a file holds 2 GiB",
                span_at(graph, f"export.{label}"),
                place=f"export.{label}",
                labels=() if span is None else (Label(span, f"{sizes[largest] / 2**30:.1f} GiB of them are here"),),
                helps=("make the model smaller", *(("write precision = fp16",) if half == "fp32" else ())),
            )


def _files(graph: Graph, paths: list[str]) -> dict[str, list[str]]:
    """The nodes of each file: what a search feeds leaves in a file of its own."""
    if not graph.steps:
        return {"the file": paths}
    fed: set[str] = set()
    for path in paths:
        if any(ref.path == graph.shifted or ref.path in fed for ref in graph.nodes[path].refs()):
            fed.add(path)
    return {"the encoder": [path for path in paths if path not in fed], "the step": [p for p in paths if p in fed]}
