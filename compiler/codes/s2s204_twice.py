"""S2S204: something is defined, set or given twice.

What it does: finds names that one section, block, table or file defines twice, and parameters that a call gives
twice, once by its place and once by its name.

Why it is bad: everything is immutable: the second does not replace the first, and which one was meant nobody can
tell.

Bad:

    hyperparameters {
      batch     = 16 examples
      batch     = 32 examples                                           # error[S2S204]
      optimizer = adam(lr = 1e-3)
      stop      = 10 epochs
      seed      = 17
    }

Good:

    hyperparameters {
      batch     = 32 examples
      optimizer = adam(lr = 1e-3)
      stop      = 10 epochs
      seed      = 17
    }
"""

from __future__ import annotations

CODE = "S2S204"
