"""S2S206: an imported file is missing, out of the project, or imports itself.

What it does: looks for what `import` names: a file of the library (`lib/…`), or one relative to the file that the
import stands in, inside the project, with the ending .s2s.

Why it is bad: a check must run anywhere and on anybody's pull request: it reads the project and nothing else.

Bad:

    import "lib/transformers.s2s" as blocks                             # error[S2S206]

Good:

    import "lib/transformer.s2s" as blocks

    encoder {
      out = data.audio -> linear(16) -> positions -> blocks.encoder_layer(16, 32, 2, attention_drop = 0.1)
    }
"""

from __future__ import annotations

CODE = "S2S206"
