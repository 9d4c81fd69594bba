"""Comments behind code, one below the other where lines follow each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .page import Line
from .widths import LINE, columns

_APART = 2


def line_up_comments(lines: Sequence[Line]) -> Iterator[str]:
    """The finished lines. Comments behind consecutive lines are lined up as long as none goes beyond the line's end."""
    run: list[Line] = []
    code = comment = 0
    for line in lines:
        wanted = line.comment if line.code else ""
        own_comment = columns(wanted)
        if run and (not wanted or line.apart or max(code, line.width) + _APART + max(comment, own_comment) > LINE):
            yield from _finished(run, code)
            run, code, comment = [], 0, 0
        if wanted:
            run.append(line)
            code, comment = max(code, line.width), max(comment, own_comment)
        else:
            yield from _finished([line], 0)
    yield from _finished(run, code)


def _finished(run: Sequence[Line], width: int) -> Iterator[str]:
    for line in run:
        if line.apart:
            yield ""
        blanks = " " * (width - line.width + _APART) if line.code and line.comment else ""
        code = line.code + blanks + line.comment
        yield " " * line.indent + code if code else ""
