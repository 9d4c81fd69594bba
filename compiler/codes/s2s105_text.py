"""S2S105: a text does not end, or has an escape that does not exist.

What it does: reads what stands between double quotes. A text ends on its line; a backslash in it stands before a
quote, before another backslash, or before `n`, `t` or `u{…}` for a line end, a tab or any character.

Why it is bad: an alphabet or a file name with another character in it than the one that was meant is found only
when training reads data.

Bad:

    let letters = "abc
    # ^ error[S2S105]

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet(letters)
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }

Good:

    let letters = "abc "

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet(letters)
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }
"""

from __future__ import annotations

CODE = "S2S105"
