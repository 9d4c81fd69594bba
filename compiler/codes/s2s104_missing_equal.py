"""S2S104: `=` is missing between a name and its value.

What it does: recognises a name that is followed by a value at once, as YAML (`batch: 16`) and some other notations
have it.

Why it is bad: a spec is read by its statements, and `name = value` is the only one that sets something.

Bad:

    hyperparameters {
      batch     16 examples                                             # error[S2S104]
      optimizer = adam(lr = 1e-3)
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

CODE = "S2S104"
