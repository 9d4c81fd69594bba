"""S2S302: a unit is missing, wrong or unknown.

What it does: knows which settings are quantities (`20ms`, `16kHz`, `64 examples`, `200 epochs`) and which are plain
numbers.

Why it is bad: `hop = 10` is 10 ms to one and 10 samples to another, and `stop = 200` ends after epochs or after
steps.

Bad:

    data speech {
      audio = logmel(bins = 16, hop = 0.01)                             # error[S2S302]
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      keep  = 0.5s .. 10s
    }

Good:

    data speech {
      audio = logmel(bins = 16, hop = 10ms)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }
"""

from __future__ import annotations

CODE = "S2S302"
