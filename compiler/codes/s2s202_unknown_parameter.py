"""S2S202: there is no such parameter, setting or attribute.

What it does: compares the names that a call, a section or `x.name` uses with those that exist, and looks up what
other toolkits call them (`kernel_size`, `num_heads`, `batch_size`).

Why it is bad: a setting that nobody reads is the oldest way to train another model than one thinks.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel_size = 5, stride = 2)       # error[S2S202]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
    }
"""

from __future__ import annotations

CODE = "S2S202"
