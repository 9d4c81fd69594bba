"""S2S103: a bracket closes nothing.

What it does: finds the closing brackets that no opening one belongs to.

Why it is bad: one bracket too many usually means that one is missing elsewhere, or that a piece was deleted by
half.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)) -> relu   # error[S2S103]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S103"
