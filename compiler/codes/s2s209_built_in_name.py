"""S2S209: a name of one's own hides one that s2sc has.

What it does: compares lets, blocks and imports with the built-in components, parts and functions.

Why it is bad: the built-in one is out of reach in this file, and whoever reads `dropout` thinks of the one that
everybody knows.

Bad:

    let dropout = 0.1                                                   # warning[S2S209]

    encoder {
      out = data.audio -> lstm(16, layers = 2, dropout = dropout)
    }

Good:

    let drop = 0.1

    encoder {
      out = data.audio -> lstm(16, layers = 2, dropout = drop)
    }
"""

from __future__ import annotations

CODE = "S2S209"
