"""S2S415: a bidirectional layer reads the target from its end.

What it does: looks for bidirectional layers in a decoder that writes token by token.

Why it is bad: the end of the text is not there yet when its first word is chosen.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      emb    = data.target.shifted -> embedding(data.target.vocab, 64)
      h      = emb -> lstm(32, bidirectional = true)                    # error[S2S415]
      att    = attention(query = h, memory = encoder.out)
      logits = (h, att.context) -> concat -> linear(data.target.vocab)
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
      logits = (h, att.context) -> concat -> linear(data.target.vocab)
      infer  = logits -> greedy
    }
"""

from __future__ import annotations

CODE = "S2S415"
