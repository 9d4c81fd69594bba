"""S2S301: another kind of value is wanted here.

What it does: knows four kinds of value: static ones (numbers, texts, true and false, ranges, lists), parts
(features, optimizers), modules (they have weights) and tensors; and of each place, which one it takes.

Why it is bad: a text for a number, or a module where its result is meant, has no meaning that one could guess
safely.

Bad:

    encoder {
      out = data.audio -> conv1d("16", kernel = 5, stride = 2) -> relu  # error[S2S301]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S301"
