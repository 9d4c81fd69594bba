"""S2S110: a number, text or file beyond the limits of the language.

What it does: counts what is read while it is read: digits, characters, brackets in brackets, operations in an
expression, files and how deep they import each other. All limits are far above what a model needs.

Why it is bad: a file of a few lines must not make a check that runs on every commit take hours or all memory. Whole
numbers end at 2^53 - 1, where floating point stops to count by ones.

Bad:

    let width = 2 ^ 60                                                  # error[S2S110]

    encoder {
      out = data.audio -> conv1d(width, kernel = 5, stride = 2) -> relu
    }

Good:

    let width = 2 ^ 6

    encoder {
      out = data.audio -> conv1d(width, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S110"
