"""S2S414: the decoder sees the tokens that it has to predict.

What it does: follows the target through the decoder: `data.target` where `data.target.shifted` is meant, an
attention over it without `causal = true`, a convolution that reaches to the right, a mean over all of it.

Why it is bad: the loss falls to nothing in an hour, because the answer is in the question; in use the model writes
noise.

Bad:

    data parallel_text {
      tokens = words(size = 1000)
      train  = pair("train.en", "train.de")
      keep   = 1 .. 50 tokens
    }

    decoder {
      h      = data.target.shifted -> embedding(data.target.vocab, 64) -> self_attention(heads = 4)  # error[S2S414]
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
      h      = data.target.shifted -> embedding(data.target.vocab, 64) -> self_attention(heads = 4, causal = true)
      att    = attention(query = h, memory = encoder.out)
      logits = (h, att.context) -> concat -> linear(data.target.vocab)
      infer  = logits -> greedy
    }
"""

from __future__ import annotations

CODE = "S2S414"
