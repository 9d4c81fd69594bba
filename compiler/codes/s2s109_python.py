"""S2S109: this is written as in Python.

What it does: recognises `True`, `False`, `None`, `**`, `==` for `=`, `&&`, `||`, `def`, `class`, `elif` and a `:`
at the end of a line, and says what is written here.

Why it is bad: a spec looks a little like Python but runs nothing; what looks the same would be believed to do the
same.

Bad:

    encoder {
      out = data.audio -> lstm(2 ** 4, bidirectional = True)            # error[S2S109] # error[S2S109]
    }

Good:

    encoder {
      out = data.audio -> lstm(2 ^ 4, bidirectional = true)
    }
"""

from __future__ import annotations

CODE = "S2S109"
