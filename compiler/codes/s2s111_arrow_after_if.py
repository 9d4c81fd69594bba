"""S2S111: an arrow after `else` is applied to both branches.

What it does: looks for `if … then x -> f else x -> g` without brackets. `->` binds less than `if`, so the last
arrow belongs to the whole choice, while the first stands between `then` and `else`.

Why it is bad: the model is another one than the line seems to say, and every shape may still fit.

Bad:

    let deep = true

    encoder {
      out = if deep then data.audio -> gru(16) else data.audio -> relu  # warning[S2S111]
    }

Good:

    let deep = true

    encoder {
      out = if deep then (data.audio -> gru(16)) else (data.audio -> relu)
    }
"""

from __future__ import annotations

CODE = "S2S111"
