"""S2S214: this version does not have it yet.

What it does: knows the names that belong to the language and are not built yet, and says what there is today.

Why it is bad: to leave it out in silence would train another model than the one that is written.

Bad:

    hyperparameters {
      batch     = 16 examples
      optimizer = lion(lr = 1e-4)                                       # error[S2S214]
      stop      = 10 epochs
      seed      = 17
    }

Good:

    hyperparameters {
      batch     = 16 examples
      optimizer = adam(lr = 1e-3)
      stop      = 10 epochs
      seed      = 17
    }
"""

from __future__ import annotations

CODE = "S2S214"
