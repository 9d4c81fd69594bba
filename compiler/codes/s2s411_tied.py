"""S2S411: weights that are to be the same have different shapes.

What it does: compares the shapes of the weights that `tie` or `shared` make one.

Why it is bad: one weight has one shape. Embeddings tied to logits have the vocabulary and the width in common.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      shared emb = embedding(data.target.vocab, 64)
      h      = data.target.shifted -> emb -> lstm(128)
      att    = attention(query = h, memory = encoder.out)
      logits = (h, att.context) -> concat -> linear(data.target.vocab, tie = emb)  # error[S2S411]
      infer  = logits -> greedy
    }

Good:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      shared emb = embedding(data.target.vocab, 64)
      h      = data.target.shifted -> emb -> lstm(128)
      att    = attention(query = h, memory = encoder.out)
      logits = (h, att.context) -> concat -> linear(64) -> linear(data.target.vocab, tie = emb)
      infer  = logits -> greedy
    }
"""

from __future__ import annotations

CODE = "S2S411"
