"""S2S303: a value is out of its range.

What it does: compares every value with the least and the greatest that its parameter takes, and those that belong
together with each other (a window and its hop, boundaries and their rates).

Why it is bad: `dropout(10)` is no dropout of 10 percent; a negative size has no meaning.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> dropout(10)  # error[S2S303]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> dropout(10%)
    }
"""

from __future__ import annotations

CODE = "S2S303"
