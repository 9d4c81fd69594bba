"""Words as brackets within brackets and statements within braces: what a layout is decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .words import OwnLine, Word


@dataclass(slots=True)
class Item:
    """What stands between two commas of a bracket, and the comma after it."""

    parts: list[Part]
    comma: Word | None


@dataclass(slots=True)
class Bracket:
    """`( … )`, `[ … ]` or the braces of `repeat`.

    width    of all of it in one line, with the blank before it
    listed   it is written with one item a line: a comma ends it or a comment stands in it
    free     braces that stand in no ( ) or [ ]: in them, the lines of a chain stay as they were written
    forced   it cannot be in one line, because of that, of a bracket in it, or because free braces were not
    """

    open: Word
    items: list[Item]
    close: Word
    width: int
    listed: bool
    free: bool
    forced: bool


Part = Word | Bracket


@dataclass(slots=True)
class Statement:
    """The words of a statement up to its body, or all of them."""

    parts: list[Part]
    body: Body | None = None

    @property
    def first(self) -> Word:
        return first(self.parts[0])


@dataclass(slots=True)
class Body:
    """`{ statements }`; `joined`: it was written in one line, or is empty."""

    open: Word
    statements: list[Statement]
    close: Word
    joined: bool


def shape(words: Sequence[Word]) -> Body:
    """The statements of a file as a body; its close is the end of the file."""
    return _Shaper(words).file()


def first(part: Part) -> Word:
    """The word with which a part begins."""
    return part.open if isinstance(part, Bracket) else part


def last(part: Part) -> Word:
    """The word with which a part ends."""
    return part.close if isinstance(part, Bracket) else part


def width(part: Part) -> int:
    """The columns of a part in one line, with the blank before it."""
    return part.width if isinstance(part, Bracket) else part.width + part.spaced


_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})


class _Shaper:
    """Descends into brackets, of which the parser allows no more than 64 in one another."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.at = 0
        self.bracketed = 0

    def file(self) -> Body:
        start = Word("$START", "", 0, spaced=False, line=0)
        return Body(start, self._statements("$END"), self._take(), joined=False)

    def _take(self) -> Word:
        word = self.words[self.at]
        self.at += 1
        return word

    def _statements(self, closer: str) -> list[Statement]:
        found: list[Statement] = []
        while self.words[self.at].type != closer:
            found.append(self._statement())
        return found

    def _statement(self) -> Statement:
        statement = Statement([])
        while True:
            word = self._take()
            if word.type == "END":
                return statement
            if word.type == "LBRACE" and not word.inline:
                statement.body = self._body(word)
            elif word.type in _OPENERS:
                statement.parts.append(self._bracket(word))
            else:
                statement.parts.append(word)

    def _body(self, open_: Word) -> Body:
        statements = self._statements("RBRACE")
        close = self._take()
        return Body(open_, statements, close, joined=not statements or open_.line == close.line)

    def _bracket(self, open_: Word) -> Bracket:
        free = open_.type == "LBRACE" and not self.bracketed
        self.bracketed += not free
        items = [Item([], None)]
        while self.words[self.at].type not in _CLOSERS:
            word = self._take()
            if word.type in _OPENERS:
                items[-1].parts.append(self._bracket(word))
            elif word.type == "COMMA":
                items[-1].comma = word
                items.append(Item([], None))
            else:
                items[-1].parts.append(word)
        close = self._take()
        self.bracketed -= not free
        if not items[-1].parts:
            items.pop()
        for number, item in enumerate(items):
            if item.comma is not None:
                following = first(items[number + 1].parts[0]) if number + 1 < len(items) else close
                _put_comments_behind(item.comma, last(item.parts[-1]), following)
        return _measured(open_, items, close, free=free)


def _put_comments_behind(comma: Word, before: Word, after: Word) -> None:
    """Comments between an item and its comma go behind the comma, in the order in which they are."""
    if not before.after and not comma.before:
        return
    rest = [*comma.before, *([OwnLine(comma.after, apart=False)] if comma.after else [])]
    comma.after, before.after, comma.before = before.after, "", []
    after.before[:0] = rest


def _measured(open_: Word, items: list[Item], close: Word, *, free: bool) -> Bracket:
    total = open_.width + open_.spaced + close.width + close.spaced
    commented = bool(open_.after or close.before)
    nested = False
    for item in items:
        for part in item.parts:
            total += width(part)
            commented = commented or bool(first(part).before or last(part).after)
            nested = nested or (isinstance(part, Bracket) and part.forced)
        if item.comma is not None:
            total += 1
            commented = commented or bool(item.comma.before or item.comma.after)
    one_tuple = open_.type == "LPAR" and len(items) == 1
    comma_ends = bool(items) and items[-1].comma is not None and not one_tuple
    braces_apart = free and open_.line != close.line
    listed = commented or comma_ends
    return Bracket(open_, items, close, total, listed, free, forced=listed or nested or braces_apart)
