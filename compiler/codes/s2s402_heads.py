"""S2S402: features do not divide among heads, groups or halves.

What it does: divides the features that come in among the heads of an attention, the groups of a convolution, the
halves of glu.

Why it is bad: each head works on as many features as every other; a remainder belongs to none.

Bad:

    encoder {
      out = data.audio -> linear(100) -> self_attention(heads = 16)     # error[S2S402]
    }

Good:

    encoder {
      out = data.audio -> linear(128) -> self_attention(heads = 16)
    }
"""

from __future__ import annotations

CODE = "S2S402"
