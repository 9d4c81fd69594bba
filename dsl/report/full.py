"""Findings with the lines they are about, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..diagnostics import Diagnostic
from ..escapes import clipped, display_width, visible_characters
from ..limits import LIMITS
from ..source import Source, Span
from .selection import left_out, selected, summary

# columns of the excerpt; a longer line is cut around what it is about
_LINE_COLUMNS = 120
_TAB = "    "
# characters on either side of a mark; some of them have no width
_REACH = 1000


def render(diagnostics: Sequence[Diagnostic], *, colour: bool = False) -> str:
    """Each finding with its lines, labels, notes and ways out, and a summary in the last line."""
    paint = _COLOURED if colour else _PLAIN
    pieces: list[str] = []
    size = 0
    # where to read more is said once for each code
    explained: set[str] = set()
    for diagnostic in selected(diagnostics):
        piece = _diagnostic(diagnostic, paint, first=diagnostic.code not in explained)
        explained.add(diagnostic.code)
        size += len(piece)
        if size > LIMITS.shown_characters:
            break
        pieces.append(piece)
    if len(pieces) < len(diagnostics):
        pieces.append(left_out(len(diagnostics) - len(pieces)))
    return "\n\n".join([*pieces, summary(diagnostics)]) + "\n"


@dataclass(frozen=True)
class _Paint:
    """Terminal codes that start a style, and the one that ends it; all empty without colour."""

    error: str = ""
    warning: str = ""
    info: str = ""
    bold: str = ""
    frame: str = ""
    end: str = ""

    def severity(self, diagnostic: Diagnostic) -> str:
        return {"error": self.error, "warning": self.warning, "info": self.info}[diagnostic.severity]


_PLAIN = _Paint()
_COLOURED = _Paint("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[1m", "\x1b[1;34m", "\x1b[0m")


@dataclass(frozen=True)
class _Mark:
    """What is underlined in one line: columns from 0, the end not included."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def _diagnostic(diagnostic: Diagnostic, paint: _Paint, *, first: bool) -> str:
    style = paint.severity(diagnostic)
    title = f"{style}{diagnostic.severity}[{diagnostic.code}]{paint.end}"
    lines = [f"{title}{paint.bold}: {clipped(diagnostic.message)}{paint.end}"]
    snippets = _marks(diagnostic)
    gutter = max((len(str(mark.line)) for _, marks in snippets for mark in marks), default=1)
    for source, marks in snippets:
        lines += _snippet(source, marks, gutter, style, paint)
    facts = _facts(diagnostic)
    if first:
        facts.append(f"more: s2sc explain {diagnostic.code}")
    if facts and snippets:
        lines.append(f"{' ' * gutter} {paint.frame}|{paint.end}")
    lines += [f"{' ' * gutter} {paint.frame}={paint.end} {fact}" for fact in facts]
    return "\n".join(lines)


def _facts(diagnostic: Diagnostic) -> list[str]:
    facts = [clipped(note) for note in diagnostic.notes]
    if diagnostic.place and not any(note.startswith("reached through:") for note in diagnostic.notes):
        facts.append(f"reached through: {clipped(diagnostic.place)}")
    return [*facts, *(f"help: {clipped(help_)}" for help_ in diagnostic.helps)]


def _marks(diagnostic: Diagnostic) -> list[tuple[Source, list[_Mark]]]:
    """The marks of each file, the finding's own first."""
    if diagnostic.span is None:
        return []
    spans = [(diagnostic.span, diagnostic.at, True)]
    spans += [(label.span, label.text, False) for label in diagnostic.labels]
    files: dict[int, tuple[Source, list[_Mark]]] = {}
    for span, text, primary in spans:
        source, marks = files.setdefault(id(span.source), (span.source, []))
        marks.append(_mark(span, text, primary, source))
    return list(files.values())


def _mark(span: Span, text: str, primary: bool, source: Source) -> _Mark:
    line, column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    # of a place that spans lines, the first one is shown
    end = end_column - 1 if end_line == line else len(source.line(line))
    return _Mark(line, column - 1, max(end, column), clipped(text), primary)


def _snippet(source: Source, marks: list[_Mark], gutter: int, style: str, paint: _Paint) -> list[str]:
    blank = f"{' ' * gutter} {paint.frame}|{paint.end}"
    first = marks[0]
    place = f"{clipped(source.name)}:{first.line}:{first.start + 1}"
    lines = [f"{' ' * gutter}{paint.frame}-->{paint.end} {place}", blank]
    before = 0
    for number in sorted({mark.line for mark in marks}):
        if before and number > before + 1:
            lines.append(f"{paint.frame}...{paint.end}")
        before = number
        on_line = [mark for mark in marks if mark.line == number]
        excerpt = _Excerpt(source.line(number), on_line[0])
        lines.append(f"{paint.frame}{number:>{gutter}} |{paint.end} {excerpt.text}".rstrip())
        lines += [f"{blank} {row}" for row in _underlines(on_line, excerpt, style, paint)]
    return lines


class _Excerpt:
    """A line as it is shown: inert, tabs widened, cut around a mark if it is long."""

    def __init__(self, line: str, around: _Mark) -> None:
        # of a very long line no more is looked at than could be shown
        self._before = max(0, min(around.start, len(line)) - _REACH)
        near = line[self._before : self._before + 2 * _REACH]
        self._after = len(line) - self._before - len(near)
        pieces = [_TAB if piece == "\t" else piece for piece in visible_characters(near)]
        widths = [display_width(piece) for piece in pieces]
        first, last = _window(widths, max(0, around.start - self._before))
        head = "…" if first or self._before else ""
        tail = "…" if last < len(pieces) or self._after else ""
        self.text = (head + "".join(pieces[first:last]) + tail).rstrip()
        # where each character of the line begins on the screen
        self._columns: list[int] = []
        column = 0
        for index, width in enumerate(widths):
            if index == first and head:
                column = 1
            self._columns.append(column if first <= index else 0)
            column += width if first <= index < last else 0
        self._columns.append(column)

    def column(self, index: int) -> int:
        """The screen column of a character; past the end, a column for each."""
        index = max(0, index - self._before)
        past = index - (len(self._columns) - 1) - self._after
        if self._after:
            index = min(index, len(self._columns) - 1)
        return self._columns[index] if past <= 0 else self._columns[-1] + past


def _window(widths: list[int], start: int) -> tuple[int, int]:
    """Which characters of a line are shown: all, or some before the mark and as many after it as fit."""
    if sum(widths) <= _LINE_COLUMNS:
        return 0, len(widths)
    first = min(start, len(widths))
    room = _LINE_COLUMNS // 3
    while first and room >= widths[first - 1]:
        first -= 1
        room -= widths[first]
    last = first
    room = _LINE_COLUMNS
    while last < len(widths) and room >= widths[last]:
        room -= widths[last]
        last += 1
    return first, last


def _underlines(marks: list[_Mark], excerpt: _Excerpt, style: str, paint: _Paint) -> list[str]:
    """The rows below a line: one for all marks, and two more for each text that does not fit at its end."""
    ordered = sorted(marks, key=lambda mark: mark.start)
    if any(left.end > right.start for left, right in pairwise(ordered)):
        return [row for mark in marks for row in _row_and_texts([mark], excerpt, style, paint)]
    return _row_and_texts(ordered, excerpt, style, paint)


def _row_and_texts(marks: list[_Mark], excerpt: _Excerpt, style: str, paint: _Paint) -> list[str]:
    row = ""
    width = 0
    for mark in marks:
        start, end = excerpt.column(mark.start), excerpt.column(mark.end)
        sign = "^" if mark.primary else "-"
        paint_as = style if mark.primary else paint.frame
        row += " " * (start - width) + paint_as + sign * max(1, end - start) + paint.end
        width = max(end, start + 1)
    last = marks[-1]
    if last.text:
        row += f" {style if last.primary else paint.frame}{last.text}{paint.end}"
    rows = [row]
    waiting = [mark for mark in marks[:-1] if mark.text]
    while waiting:
        columns = [excerpt.column(mark.start) for mark in waiting]
        rows.append(_bars(columns, paint))
        mark = waiting.pop()
        bars = _bars(columns[:-1], paint)
        gap = columns[-1] - (columns[-2] + 1 if len(columns) > 1 else 0)
        rows.append(f"{bars}{' ' * gap}{style if mark.primary else paint.frame}{mark.text}{paint.end}")
    return rows


def _bars(columns: list[int], paint: _Paint) -> str:
    row = ""
    width = 0
    for column in columns:
        row += " " * (column - width) + f"{paint.frame}|{paint.end}"
        width = column + 1
    return row
