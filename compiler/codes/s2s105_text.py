r"""S2S105: a text does not end, or has an escape that does not exist.

What it does: reads what stands between double quotes: a text ends on its line, and has the escapes `\\`, `\"`,
`\n`, `\t` and `\u{…}`.

Why it is bad: an alphabet or a file name with another character in it than the one that was meant is found only
when training reads data.

Bad:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc \d")                                       # error[S2S105]
      train = ["train.jsonl"]
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

CODE = "S2S105"
