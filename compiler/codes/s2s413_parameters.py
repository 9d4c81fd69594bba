"""S2S413: the model has more parameters than is allowed.

What it does: adds up the parameters of all operations; the limit is 2^40, or what the project's s2sc.toml says
(`parameters` in [lint.limits]).

Why it is bad: so many are a slip in a number, and better said here than by the allocator; a lower limit is the budget
of a model that has to fit somewhere.

Bad:

    encoder {
      out = data.audio -> linear(2_000_000) -> linear(1_000_000)        # error[S2S413]
    }

Good:

    encoder {
      out = data.audio -> linear(2_000) -> linear(1_000)
    }
"""

from __future__ import annotations

CODE = "S2S413"
