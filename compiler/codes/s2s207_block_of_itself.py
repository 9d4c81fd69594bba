"""S2S207: a block is built from itself.

What it does: follows the blocks that a block uses.

Why it is bad: a block is written out where it is used; one that contains itself would never end. Copies are made by
`repeat`.

Bad:

    block deep(x: seq) => y { y = x -> gru(16) -> deep }                # error[S2S207]

    encoder {
      out = data.audio -> deep
    }

Good:

    block layer(x: seq) => y { y = x -> gru(16) }

    encoder {
      out = data.audio -> repeat 4 { layer }
    }
"""

from __future__ import annotations

CODE = "S2S207"
