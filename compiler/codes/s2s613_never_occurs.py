"""S2S613: an alphabet has symbols that no text can have.

What it does: compares the symbols with what the alphabet does to texts before it looks them up: it makes them lower
case unless told otherwise, composes letters (NFC), and puts one space between words.

Why it is bad: each such symbol is a class of the logits that never occurs, and the letter that was meant may be
missing.

Bad:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("ABC ", lower = true)                            # warning[S2S613]
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }

Good:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }
"""

from __future__ import annotations

CODE = "S2S613"
