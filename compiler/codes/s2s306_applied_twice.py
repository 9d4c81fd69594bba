"""S2S306: a module is applied twice without `shared`.

What it does: counts the uses of every module that has a name.

Why it is bad: both uses would have the same weights. Where this is meant it is said, `shared layer = …`; where it
is not, it is a mistake that trains without a complaint.

Bad:

    encoder {
      layer = gru(16)
      out   = data.audio -> gru(16) -> layer -> layer                   # error[S2S306]
    }

Good:

    encoder {
      shared layer = gru(16)
      out = data.audio -> gru(16) -> layer -> layer
    }
"""

from __future__ import annotations

CODE = "S2S306"
