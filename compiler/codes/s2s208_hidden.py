"""S2S208: a parameter or an index hides a name of the file.

What it does: compares the parameters of a block, and the index of `repeat … as i`, with the names of the file
around it.

Why it is bad: inside the block the outer value is out of reach, and a reader who knows it takes one for the other.

Bad:

    let width = 16

    block layer(x: seq, width) => y { y = x -> gru(width) }             # error[S2S208]

    encoder {
      out = data.audio -> layer(width = width)
    }

Good:

    let width = 16

    block layer(x: seq, size) => y { y = x -> gru(size) }

    encoder {
      out = data.audio -> layer(size = width)
    }
"""

from __future__ import annotations

CODE = "S2S208"
