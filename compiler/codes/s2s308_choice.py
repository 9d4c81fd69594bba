"""S2S308: a choice that does not exist.

What it does: compares texts and number types that stand for a choice with those that there are.

Why it is bad: a choice with a slip in it would be taken for the default.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, pad = "smae")          # error[S2S308]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, pad = "same")
    }
"""

from __future__ import annotations

CODE = "S2S308"
