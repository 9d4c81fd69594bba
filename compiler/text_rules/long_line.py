"""S2S905: a line of over 100 columns.

What it does: counts the characters of each line. A row of a table has to be one line, and a long text or address has
no place to break, so both may be longer. It is looked for where it is asked for: --select S2S905.

Why it is bad: two versions of a spec are compared side by side, and what is beyond the edge is not seen.

Bad:

    # what this encoder does is said in one line that goes on and on until nobody can see its end any more
    # ^ info[S2S905]

Good:

    # what this encoder does is said
    # in two lines
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.source import Span
from ...dsl.syntax import Document

CODE = "S2S905"
DEFAULT = False

_MOST_COLUMNS = 100


def check(document: Document) -> Iterator[Diagnostic]:
    """Find long lines that could be broken."""
    start = 0
    for line in document.source.text.split("\n"):
        shown = line.rstrip()
        if len(shown) > _MOST_COLUMNS and _has_a_break(shown):
            yield Diagnostic(
                CODE,
                "info",
                f"this line has {len(shown)} columns, more than {_MOST_COLUMNS}",
                Span(document.source, start + _MOST_COLUMNS, start + len(shown)),
                helps=("break it after an opening bracket, after an operator or before `->`",),
            )
        start += len(line) + 1


def _has_a_break(line: str) -> bool:
    """Whether it is neither a row of a table nor a single word behind a name or `#`."""
    words = line.split()
    return not words[0].startswith("|") and max(map(len, words)) <= _MOST_COLUMNS - 10
