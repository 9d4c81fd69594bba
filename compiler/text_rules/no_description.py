"""S2S908: a block that others import is not described.

What it does: looks for a comment above each block of a file that only defines blocks. It is looked for where it is
asked for: --select S2S908.

Why it is bad: who imports the block sees its name and its parameters. What its results are, where dropout is applied
and which paper it follows stands nowhere.

Bad:

    edition 1

    block layer(x: seq, channels) => y {    # info[S2S908]
      y = x -> conv1d(channels, kernel = 3) -> relu
    }

Good:

    edition 1

    # a convolution of three frames and its rectifier
    block layer(x: seq, channels) => y {
      y = x -> conv1d(channels, kernel = 3) -> relu
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.resolver import only_blocks
from ...dsl.syntax import Block, Document

CODE = "S2S908"
DEFAULT = False


def check(document: Document) -> Iterator[Diagnostic]:
    """Find blocks of a library that nothing is said about."""
    if not only_blocks(document):
        return
    described = {comment.span.line + 1 for comment in document.comments}
    for statement in document.statements:
        if isinstance(statement, Block) and statement.span.line not in described:
            yield Diagnostic(
                CODE,
                "info",
                f"block `{statement.name}` has no description",
                statement.name_span,
                helps=("say what it computes in a comment above it",),
            )
