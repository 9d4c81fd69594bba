"""S2S106: a character that the language does not have.

What it does: names the character, with its number in Unicode where one cannot see it, and what to write for it:
curly quotes and long dashes from a word processor, blanks that are none, letters that look like others, control
characters.

Why it is bad: two names that look alike and differ are the hardest mistakes to see; a text with reversed writing
can show something else than it says.

Bad:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet(“abc ”)                                          # error[S2S106]
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

CODE = "S2S106"
