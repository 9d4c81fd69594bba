"""S2S101: a word stands where the language has no use for it.

What it does: reads each statement by the grammar, and says what could have stood where it stopped. What follows is
read on from the next statement.

Why it is bad: nothing is known of a statement that cannot be read, so nothing of it would be checked.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) relu       # error[S2S101]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S101"
