"""S2S210: a definition is never used.

What it does: follows what the model, the loss and the settings use, and names the lets, blocks, tables and imports
that none of them reaches.

Why it is bad: it is either left over or, worse, was meant to be used: a width that nobody reads changes nothing
when it is changed.

Bad:

    let width = 32                                                      # warning[S2S210]

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }

Good:

    let width = 32

    encoder {
      out = data.audio -> conv1d(width, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S210"
