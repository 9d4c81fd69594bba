"""S2S102: a bracket is never closed.

What it does: pairs every bracket with the one that closes it; a section that begins in the first column ends all
that is open before it.

Why it is bad: where a bracket ends is a guess from there on, and all that follows would be read in the wrong place.

Bad:

    encoder {                                                           # error[S2S102]
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu

    decoder {
      logits    = encoder.out -> linear(pad_to(8, 5))
      log_probs = logits -> log_softmax
      infer     = log_probs -> greedy_ctc(blank = 4)
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }

    decoder {
      logits    = encoder.out -> linear(pad_to(8, 5))
      log_probs = logits -> log_softmax
      infer     = log_probs -> greedy_ctc(blank = 4)
    }
"""

from __future__ import annotations

CODE = "S2S102"
