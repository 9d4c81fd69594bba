"""S2S702: an export holds a user's module of which nothing says that it can leave.

What it does: looks at the users' modules in a spec with an `export`, and at `onnx` in their signature files: the first
opset that they can be exported in. A first one later than the export's is S2S701.

Why it is bad: training takes days and the export comes after it; a module that ONNX has no form for is found only then.

Bad:

    use acme_layers.layers as acme

    encoder { out = data.audio -> acme.unsaid }                         # warning[S2S702]

    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    use acme_layers.layers as acme

    encoder { out = data.audio -> acme.rotary }

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
from ..settings import setting
from ..signature_file import Declared
from ..user_module import UserModule

CODE = "S2S702"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find modules that an export cannot count on; each module once, where it is first used."""
    opsets = [setting(graph, f"export.{label}.opset") for label in graph.exports]
    lowest = min((opset for opset in opsets if opset is not None), default=None)
    found: set[str] = set()
    for path, node in graph.nodes.items():
        if lowest is None or not isinstance(node.operation, UserModule):
            continue
        declared = node.operation.declared
        words = _words(declared)
        if not words or declared.name in found:
            continue
        found.add(declared.name)
        yield Diagnostic(
            CODE,
            "warning",
            f"{declared.name} {words}" if declared.says_onnx else f"nothing says that {declared.name} {words}",
            graph.origins.of(path).span,
            at="part of what is exported",
            place=path,
            labels=(Label(declared.span, "declared here"),),
            helps=() if declared.says_onnx else (f"if it can, say onnx = {lowest} in its signature file",),
        )


def _words(declared: Declared) -> str:
    if not declared.says_onnx:
        return "can be exported"
    return "cannot be exported: its signature file says onnx = none" if declared.onnx is None else ""
