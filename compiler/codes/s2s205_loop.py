"""S2S205: definitions form a loop.

What it does: follows every definition through those it uses, and shows the way round where one comes back to
itself.

Why it is bad: a value that needs itself has none.

Bad:

    let width = 2 * half                                                # error[S2S205]
    let half  = width / 2

    encoder {
      out = data.audio -> conv1d(width, kernel = 5, stride = 2) -> relu
    }

Good:

    let width = 16
    let half  = width / 2

    encoder {
      out = data.audio -> conv1d(half, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S205"
