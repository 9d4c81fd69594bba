"""S2S407: the longest transcript does not fit into the frames that are left.

What it does: divides the longest kept utterance by all strides, and compares with the most labels that its text may
have. It is an error if no text at all can fit.

Why it is bad: CTC gives each frame one symbol or the blank, and a blank between equal neighbours: a text with more
symbols than frames has an infinite loss.

Bad:

    data speech {
      audio  = logmel(bins = 16)
      text   = alphabet("abc ")
      train  = ["train.jsonl"]
      valid  = ["valid.jsonl"]
      keep   = 0.5s .. 10s
      labels = 200
    }
    encoder {
      out = data.audio -> conv1d(16, kernel = 11, stride = 16) -> relu
    }
    loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 4)  # warning[S2S407]

Good:

    data speech {
      audio  = logmel(bins = 16)
      text   = alphabet("abc ")
      train  = ["train.jsonl"]
      valid  = ["valid.jsonl"]
      keep   = 0.5s .. 10s
      labels = 200
    }
    encoder {
      out = data.audio -> conv1d(16, kernel = 11, stride = 2) -> relu
    }
    loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 4)
"""

from __future__ import annotations

CODE = "S2S407"
