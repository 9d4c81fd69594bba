"""S2S401: two sizes that must be equal are not.

What it does: works out the shape of every tensor, and compares the axes where tensors meet: a sum, a product, a
state that is handed on, an axis that a block declares.

Why it is bad: the model cannot run. Here it is said before anything runs, with the places that both numbers come
from.

Bad:

    encoder {
      x   = data.audio -> conv1d(24, kernel = 5, stride = 2) -> relu
      out = x + (x -> conv1d(16, kernel = 3))                           # error[S2S401]
    }

Good:

    encoder {
      x   = data.audio -> conv1d(24, kernel = 5, stride = 2) -> relu
      out = x + (x -> conv1d(24, kernel = 3))
    }
"""

from __future__ import annotations

CODE = "S2S401"
