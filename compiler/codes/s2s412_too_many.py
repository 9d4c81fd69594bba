"""S2S412: more copies, nodes or steps than a model may have.

What it does: counts copies before they are made, one level in the other, and says which numbers were multiplied.

Why it is bad: a slip in a number must not fill the memory of the machine that checks it.

Bad:

    encoder {
      out = data.audio -> gru(16) -> repeat 40_000 { gru(16) }          # error[S2S412]
    }

Good:

    encoder {
      out = data.audio -> gru(16) -> repeat 4 { gru(16) }
    }
"""

from __future__ import annotations

CODE = "S2S412"
