"""Comments behind code, one below the other in each paragraph of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .page import Line
from .widths import LINE, columns

_APART = 2


def line_up_comments(lines: Sequence[Line]) -> Iterator[str]:
    """The finished lines. Comments are lined up from line to line as long as none goes beyond the end of a line.

    A blank line, a comment on its own, and another indentation end a paragraph.
    """
    paragraph: list[Line] = []
    code = comment = 0
    for line in lines:
        widest, longest = code, comment
        if line.code and line.comment:
            widest, longest = max(code, line.width), max(comment, columns(line.comment))
        ends = paragraph and (not line.code or line.apart or line.indent != paragraph[-1].indent)
        if ends or (widest and widest + _APART + longest > LINE):
            yield from _finished(paragraph, code)
            paragraph = []
            widest, longest = (line.width, columns(line.comment)) if line.code and line.comment else (0, 0)
        code, comment = widest, longest
        paragraph.append(line)
    yield from _finished(paragraph, code)


def _finished(paragraph: list[Line], code: int) -> Iterator[str]:
    for line in paragraph:
        if line.apart:
            yield ""
        blanks = " " * (code - line.width + _APART) if line.code and line.comment else ""
        text = line.code + blanks + line.comment
        yield " " * line.indent + text if text else ""
