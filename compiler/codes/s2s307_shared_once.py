"""S2S307: a shared module is applied once.

What it does: counts the uses of every module that is called `shared`.

Why it is bad: nothing is shared, so either the word is left over or the second use is missing.

Bad:

    encoder {
      shared layer = gru(16)                                            # info[S2S307]
      out = data.audio -> layer
    }

Good:

    encoder {
      shared layer = gru(16)
      out = data.audio -> gru(16) -> layer -> layer
    }
"""

from __future__ import annotations

CODE = "S2S307"
