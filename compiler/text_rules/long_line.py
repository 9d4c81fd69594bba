"""S2S905: a line is longer than the formatter makes it.

What it does: counts the characters of each line: it has 120 at most, as in what `s2sc fmt` writes. A row of a table
has to be one line, and a long text or address has no place to break, so both may be longer. It is looked for where it
is asked for: --select S2S905.

Why it is bad: two versions of a spec are compared side by side, and what is beyond the edge is not seen.

Bad:

    # what this encoder does is said in one line that goes on and on until nobody who looks at it can see where it ends any more
    # ^ info[S2S905]

Good:

    # what this encoder does is said
    # in two lines
"""  # noqa: E501  the example is a line that is too long

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.format.widths import LINE, columns
from ...dsl.source import Span
from ...dsl.syntax import Document

CODE = "S2S905"
DEFAULT = False


def check(document: Document) -> Iterator[Diagnostic]:
    """Find long lines that could be broken."""
    start = 0
    for line in document.source.text.split("\n"):
        shown = line.rstrip()
        if columns(shown) > LINE and _has_a_break(shown):
            yield Diagnostic(
                CODE,
                "info",
                f"this line has {columns(shown)} columns, more than {LINE}",
                Span(document.source, start + len(shown) - len(shown.lstrip()), start + len(shown)),
                helps=("let s2sc fmt break it; a comment is broken by hand",),
            )
        start += len(line) + 1


def _has_a_break(line: str) -> bool:
    """Whether it is neither a row of a table nor a single word behind a name or `#`."""
    words = line.split()
    return not words[0].startswith("|") and max(map(len, words)) <= LINE - 10
