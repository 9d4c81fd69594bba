"""S2S410: the logits are not as many as there are symbols.

What it does: compares the width of the logits with the vocabulary of the target, and the blank of CTC with both.

Why it is bad: a class too few cannot be said at all; one too many is learned from nothing. A blank that is a symbol
deletes this symbol from every text.

Bad:

    loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 0)  # error[S2S410]

Good:

    loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 4)
"""

from __future__ import annotations

CODE = "S2S410"
