"""S2S408: the shortest kept example leaves no frames, or the longest has no place.

What it does: follows the shortest and the longest example that `keep` lets through along the strides and kernels; a
table of learned positions has so many places and no more.

Why it is bad: a clip of which no frame is left has no loss, and the run stops at the first one: hours after it
began.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 61, pad = "valid")        # error[S2S408]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 31, pad = "valid")
    }
"""

from __future__ import annotations

CODE = "S2S408"
