"""S2S504: a constant does not fit into the half precision of the operation that uses it.

What it does: looks at the constants (a factor, a clip) of operations that compute in fp16 in training.

Why it is bad: fp16 ends at 65,504. A penalty of -1e9, a mask's usual number, is minus infinity in it, and a row of
nothing else makes every probability of its softmax no number; a clip above it never clips; a factor below 3e-8 is 0.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> scale(-1e9)                    # error[S2S504]
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
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> scale(-1e4)
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
from ..constants_in_half import outside
from ..graph import Graph
from ..precisions import trained

CODE = "S2S504"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find constants that training cannot hold."""
    yield from outside(graph, trained(graph), code=CODE)
