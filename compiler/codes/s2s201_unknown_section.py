"""S2S201: a section or statement that does not exist or cannot stand here.

What it does: compares every top-level name with the parts of a spec (data, encoder, decoder, loss, hyperparameters,
export, profile), and every section inside one with what it has.

Why it is bad: a section with a slip in its name would be a section that is missing.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
    exprot onnx {                                                       # error[S2S201]
      outputs = [decoder.log_probs]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
    }
    export onnx {
      precision = fp16
      outputs = [decoder.log_probs, decoder.log_probs.lengths]
      dynamic { batch = 1 .. 64; time = 0.5s .. 10s }
      check   { examples = 16 }
    }
"""

from __future__ import annotations

CODE = "S2S201"
