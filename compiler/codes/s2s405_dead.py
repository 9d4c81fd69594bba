"""S2S405: a tensor reaches neither the loss nor an output.

What it does: walks back from the loss, the search and the exported outputs, and names what none of them reads.

Why it is bad: it costs time and memory in every step and its weights never learn; more often, an arrow is missing.

Bad:

    encoder {
      deep = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu   # warning[S2S405]
      out  = data.audio -> conv1d(16, kernel = 3, stride = 2)
    }

Good:

    encoder {
      deep = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
      out  = deep -> conv1d(16, kernel = 3)
    }
"""

from __future__ import annotations

CODE = "S2S405"
