"""S2S211: a setting names a path that does not exist.

What it does: compares every path that a profile or `--set` changes with what the spec has (paths that have a default
exist too), and patterns such as `keep` of mixed with the layers that there are.

Why it is bad: an override or a pattern with a slip in it would leave things as they are without a word.

Bad:

    profile quick {
      hyperparameters.stop = 2 epochs
      hyperparameters.bacth = 4 examples                                # error[S2S211]
    }

Good:

    profile quick {
      hyperparameters.stop  = 2 epochs
      hyperparameters.batch = 4 examples
    }
"""

from __future__ import annotations

CODE = "S2S211"
