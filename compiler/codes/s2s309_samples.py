"""S2S309: a window or a hop is no whole number of samples.

What it does: multiplies the window and the hop of the features by the sampling rate.

Why it is bad: the window is rounded to whole samples, so frames drift against the clock: at 22050 Hz, 25 ms are
551.25 samples.

Bad:

    data speech {
      audio = logmel(rate = 22050Hz, bins = 16, window = 25ms)          # warning[S2S309]
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }

Good:

    data speech {
      audio = logmel(rate = 16kHz, bins = 16, window = 25ms)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }
"""

from __future__ import annotations

CODE = "S2S309"
