"""S2S305: something that is needed is not given.

What it does: finds parameters without a default that a call leaves out, inputs of a module that nothing is fed to,
and sections that every spec has.

Why it is bad: there is no value that would be right for all models.

Bad:

    encoder {
      out = data.audio -> conv1d(16, stride = 2) -> relu                # error[S2S305]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
"""

from __future__ import annotations

CODE = "S2S305"
