"""S2S706: a constant does not fit into the half precision of an export.

What it does: looks at the constants (a factor, a clip) of operations that an export in fp16 holds, whatever training
computes in.

Why it is bad: fp16 ends at 65,504 and knows nothing between 0 and 3e-8. What was trained in float32 with a factor of
1e6 gives infinities once it has left, and no check of the weights finds it, as a constant is no weight.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> relu(max = 1e6)                # error[S2S706]
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check { examples = 16; max_abs_diff = 2e-2 }
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> relu(max = 20)
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

from ...dsl.diagnostics import Diagnostic
from ..constants_in_half import outside
from ..graph import Graph
from ..precisions import exported

CODE = "S2S706"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find constants that an export cannot hold."""
    for label in graph.exports:
        yield from outside(graph, exported(graph, label), code=CODE)
