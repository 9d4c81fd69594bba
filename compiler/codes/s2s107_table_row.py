"""S2S107: a row of a table has not as many cells as the header.

What it does: counts the cells of each row of a table, and looks for the header, which is its first row.

Why it is bad: a cell that is missing shifts all that follow it into the wrong column: a kernel would become a
stride.

Bad:

    block conv(x: seq[batch, time, _], channels, kernel) => y { y = x -> conv1d(channels, kernel = kernel) -> relu }

    encoder {
      table stack of conv {
        | channels | kernel |
        | 16       | 11     |
        | 32       |                                                    # error[S2S107]
      }
      out = data.audio -> stack
    }

Good:

    block conv(x: seq[batch, time, _], channels, kernel) => y { y = x -> conv1d(channels, kernel = kernel) -> relu }

    encoder {
      table stack of conv {
        | channels | kernel |
        | 16       | 11     |
        | 32       | 13     |
      }
      out = data.audio -> stack
    }
"""

from __future__ import annotations

CODE = "S2S107"
