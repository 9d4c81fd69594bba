"""S2S108: the edition is missing, misplaced or unknown.

What it does: looks for `edition 1` as the first statement of every file, of imported ones too.

Why it is bad: the language may rename things from one edition to the next; a file that says its edition means the
same for ever.

Bad:

    edition 2                                                           # error[S2S108]

Good:

    edition 1
"""

from __future__ import annotations

CODE = "S2S108"
