"""S2S203: a name is not defined.

What it does: looks up every bare name: lets, blocks, imports, the sections, and what s2sc has built in. A near
miss, or what another toolkit calls it, is suggested.

Why it is bad: nothing can be computed from a name that stands for nothing. A choice such as `"same"` is a text
and wants quotes.

Bad:

    let width = 16

    encoder {
      out = data.audio -> conv1d(widht, kernel = 5, stride = 2)         # error[S2S203]
    }

Good:

    let width = 16

    encoder {
      out = data.audio -> conv1d(width, kernel = 5, stride = 2)
    }
"""

from __future__ import annotations

CODE = "S2S203"
