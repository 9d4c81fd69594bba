"""S2S403: an axis is not the one that is wanted here.

What it does: axes have names (batch, time, features; the source and the target have a time of their own), and
operations want theirs.

Why it is bad: axes of the same length are exchanged without an error at run time: the model trains on nonsense.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      h      = data.target.shifted -> embedding(data.target.vocab, 64) -> lstm(64)
      logits = h + encoder.out -> linear(data.target.vocab)             # error[S2S403]
      infer  = logits -> greedy
    }

Good:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      h      = data.target.shifted -> embedding(data.target.vocab, 64) -> lstm(64)
      att    = attention(query = h, memory = encoder.out)
      logits = h + att.context -> linear(data.target.vocab)
      infer  = logits -> greedy
    }
"""

from __future__ import annotations

CODE = "S2S403"
