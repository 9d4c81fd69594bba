"""Expressions over several lines: which brackets are opened up, and where a chain of arrows is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from .page import Page
from .shape import Bracket, Item, Part, first, last, width
from .widths import LINE

STEP = 2
_Writer = Callable[[Page, Sequence[Part], int, int], None]


def is_single(parts: Sequence[Part], column: int, ending: int) -> bool:
    """Whether an expression of a statement stands in one line that starts at `column` and goes on for `ending`."""
    if any(_is_written_apart(before, after) for before, after in pairwise(parts)):
        return False
    if any(isinstance(part, Bracket) and part.forced for part in parts):
        return False
    return column + sum(map(width, parts)) + ending <= LINE


def write_statement(page: Page, parts: Sequence[Part], indent: int, ending: int) -> None:
    """Write an expression of a statement, with the line breaks before its arrows as they were written.

    indent   of the line on which it starts; the lines that go on from it are indented by a step more
    ending   columns that must be left behind it
    """
    _write(page, list(_split(parts, _is_written_apart)), indent, ending)


def _write_item(page: Page, parts: Sequence[Part], indent: int, ending: int) -> None:
    """Write an expression inside ( ) or [ ], where only comments say where to break it."""
    _write(page, list(_split(parts, _is_commented)), indent, ending)


def _write(page: Page, segments: list[Sequence[Part]], indent: int, ending: int) -> None:
    for number, segment in enumerate(segments):
        if number:
            page.begin(indent + STEP)
        behind = ending if number == len(segments) - 1 else 0
        _write_segment(page, segment, indent + STEP if number else indent, indent + STEP, behind)


def _split(parts: Sequence[Part], is_broken: Callable[[Part, Part], bool]) -> Iterator[Sequence[Part]]:
    start = 0
    for place in range(1, len(parts)):
        if is_broken(parts[place - 1], parts[place]):
            yield parts[start:place]
            start = place
    yield parts[start:]


def _is_written_apart(before: Part, after: Part) -> bool:
    word = first(after)
    return (word.broken and word.type in ("ARROW", "THEN", "ELSE")) or _is_commented(before, after)


def _is_commented(before: Part, after: Part) -> bool:
    return bool(first(after).before or last(before).after)


# ---------------------------------------------------------------- one segment: arrows, then `if`, then brackets


def _write_segment(page: Page, parts: Sequence[Part], indent: int, more: int, ending: int) -> None:
    """Write what nobody broke by hand.

    indent  of the line that is being written
    more    of the lines that go on from it
    """
    opened = {id(part) for part in parts if isinstance(part, Bracket) and part.forced}
    if _fits_around(opened, page.column, parts, indent, ending):
        _write_brackets(page, parts, indent, more, ending, opened)
        return
    breaks = _breaks(parts)
    if not breaks:
        _write_brackets(page, parts, indent, more, ending, _to_open(page.column, parts, indent, ending))
        return
    for start, end in zip([0, *breaks], [*breaks, len(parts)], strict=True):
        if start:
            page.begin(more)
        behind = ending if end == len(parts) else 0
        _write_segment(page, parts[start:end], more if start else indent, more, behind)


def _fits_around(opened: set[int], column: int, parts: Sequence[Part], indent: int, ending: int) -> bool:
    """Whether every line fits when only these brackets are opened up."""
    for part in parts:
        if isinstance(part, Bracket) and id(part) in opened:
            if column + part.open.spaced + part.open.width > LINE:
                return False
            column = indent + part.close.width
        else:
            column += width(part)
    return column + ending <= LINE


def _breaks(parts: Sequence[Part]) -> list[int]:
    """Where to break a chain: before its arrows; if it has none, before the `then` and `else` of its choices."""
    arrows: list[int] = []
    branches: list[int] = []
    # a `then` that was broken off already still holds what is up to its `else`
    depth = int(first(parts[0]).type == "THEN")
    for place, part in enumerate(parts):
        kind = part.type if not isinstance(part, Bracket) else ""
        if kind == "ELSE":
            depth = max(0, depth - 1)
        if place and depth == 0 and kind == "ARROW":
            arrows.append(place)
        if place and ((kind == "THEN" and depth == 1) or (kind == "ELSE" and depth == 0)):
            branches.append(place)
        if kind == "IF":
            depth += 1
    return arrows or branches


# ---------------------------------------------------------------- brackets


def _to_open(column: int, parts: Sequence[Part], indent: int, ending: int) -> set[int]:
    """The brackets to open up in a line that does not fit: all braces, and if that is not enough the widest other."""
    brackets = [part for part in parts if isinstance(part, Bracket)]
    opened = {id(part) for part in brackets if part.forced or part.open.type == "LBRACE"}
    others = [part for part in brackets if part.items and id(part) not in opened]
    if others and not _fits_around(opened, column, parts, indent, ending):
        opened.add(id(max(others, key=lambda bracket: bracket.width)))
    return opened


def _write_brackets(page: Page, parts: Sequence[Part], indent: int, more: int, ending: int, opened: set[int]) -> None:
    """Write words and brackets from left to right; besides the brackets to open up, those are that do not fit."""
    tails = _tails(parts, ending)
    for part, tail in zip(parts, tails, strict=True):
        if not isinstance(part, Bracket):
            page.put(part, more)
        elif id(part) in opened or (part.items and page.column + part.width + tail > LINE):
            _open_up(page, part, indent, more)
        else:
            page.put_flat(part, more)


def _tails(parts: Sequence[Part], ending: int) -> list[int]:
    """For each part, the columns between it and the inside of the next bracket."""
    tails: list[int] = []
    tail = ending
    for part in reversed(parts):
        tails.append(tail)
        tail = part.open.width + part.open.spaced if isinstance(part, Bracket) else tail + width(part)
    return tails[::-1]


def _open_up(page: Page, bracket: Bracket, indent: int, more: int) -> None:
    inner = indent + STEP
    page.put(bracket.open, more)
    if bracket.listed:
        _write_list(page, bracket.items, inner, write_statement if bracket.free else _write_item)
    else:
        _write_filled(page, bracket.items, inner, write_statement if bracket.free else _write_item)
    page.own_lines(bracket.close.before, inner, tight=not bracket.items)
    bracket.close.before = []
    page.begin(indent)
    page.put(bracket.close, indent)


def _write_list(page: Page, items: list[Item], indent: int, write: _Writer) -> None:
    """One item a line, with the comments and blank lines between them."""
    for number, item in enumerate(items):
        word = first(item.parts[0])
        page.own_lines(word.before, indent, tight=number == 0)
        page.begin(indent, apart=word.apart and (number > 0 or bool(word.before)))
        word.before = []
        write(page, item.parts, indent, int(item.comma is not None))
        if item.comma is not None:
            page.put(item.comma, indent)


def _write_filled(page: Page, items: list[Item], indent: int, write: _Writer) -> None:
    """As many items a line as fit; what takes several lines begins and ends lines of its own."""
    page.begin(indent)
    for item in items:
        comma = int(item.comma is not None)
        flat = sum(map(width, item.parts))
        forced = any(isinstance(part, Bracket) and part.forced for part in item.parts)
        if not page.is_fresh and (forced or page.column + flat + comma > LINE):
            page.begin(indent)
        before = len(page.lines)
        write(page, item.parts, indent, comma)
        if item.comma is not None:
            page.put(item.comma, indent)
        if len(page.lines) > before and item is not items[-1]:
            page.begin(indent)
