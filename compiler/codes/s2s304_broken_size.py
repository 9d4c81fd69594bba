"""S2S304: a division gives a broken number where a whole one is wanted.

What it does: `/` is exact here; where its result is a size, a count or an index and not whole, this is said with
the two numbers.

Why it is bad: rounding in silence gives a model of another width than the papers', and halves that do not add up to
the whole.

Bad:

    let width = 100

    encoder {
      out = data.audio -> conv1d(width / 3, kernel = 5, stride = 2)     # error[S2S304]
    }

Good:

    let width = 100

    encoder {
      out = data.audio -> conv1d(width // 3, kernel = 5, stride = 2)
    }
"""

from __future__ import annotations

CODE = "S2S304"
