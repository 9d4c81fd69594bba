"""S2S406: an input that is needed is not connected.

What it does: looks at what every operation, the loss and every search are fed with, and at what an export takes in.
A search that chooses tokens one after the other must come back to the decoder through `data.target.shifted`.

Why it is bad: a decoder that does not see its own tokens writes all of them at once, each in ignorance of the
others.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    encoder {
      out = data.target.shifted -> embedding(data.target.vocab, 64) -> add  # error[S2S406]
    }

Good:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }
"""

from __future__ import annotations

CODE = "S2S406"
