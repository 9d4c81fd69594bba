"""S2S404: a tensor needs its own result.

What it does: follows tensors through the operations that make them, and shows the way round where one comes back to
itself.

Why it is bad: the model is computed from its inputs to its outputs, once. What goes from one step of time to the
next is inside recurrent components (lstm, gru, attention_rnn).

Bad:

    encoder {
      a   = data.audio + b -> linear(16)                                # error[S2S404]
      b   = a -> relu
      out = b
    }

Good:

    encoder {
      out = data.audio -> gru(16)
    }
"""

from __future__ import annotations

CODE = "S2S404"
