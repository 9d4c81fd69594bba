"""The words of a spec as they will be written, each with the comments and the line breaks around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..source import Source
from ..syntax import Comment
from ..tokens import Token
from ..units import UNITS
from .spacing import is_spaced
from .widths import columns


@dataclass(slots=True)
class OwnLine:
    """A comment on a line of its own; `apart`: a blank line stands before it."""

    text: str
    apart: bool


@dataclass(slots=True)
class Word:
    """One word.

    spaced   a blank stands before it, if it is not the first of its line
    before   the comments on lines of their own between it and the word before it
    after    the comment behind it on its line
    broken   it is the first of its line, as written
    apart    and a blank line stands before it, or before the comments that belong to it
    line     the line on which it was written
    """

    type: str
    text: str
    width: int
    spaced: bool
    line: int
    inline: bool = False
    broken: bool = False
    apart: bool = False
    before: list[OwnLine] = field(default_factory=list)
    after: str = ""


def written_words(source: Source, tokens: Sequence[Token], comments: Sequence[Comment]) -> list[Word]:
    """All words, each statement followed by one of type END; the last one, $END, holds the comments at the end."""
    words: list[Word] = []
    last: Word | None = None
    end = 0
    waiting = list(reversed(comments))
    for token in tokens:
        if token.type == "END":
            words.append(Word("END", "", 0, spaced=False, line=0))
            continue
        text = _text(token)
        spaced = not _begins(words) and is_spaced(words, token.type)
        word = Word(token.type, text, columns(text), spaced, token.span.line, inline=token.inline)
        end = _place(word, last, source, waiting, end, token.span.start)
        words.append(word)
        last, end = word, token.span.end
    stop = Word("$END", "", 0, spaced=False, line=source.num_lines)
    _place(stop, last, source, waiting, end, len(source.text))
    return [*words, stop]


def _begins(before: Sequence[Word]) -> bool:
    """Whether a statement begins after these words, or the brace that ends a body."""
    return not before or before[-1].type == "END" or (before[-1].type == "LBRACE" and not before[-1].inline)


def _place(word: Word, last: Word | None, source: Source, waiting: list[Comment], end: int, start: int) -> int:
    """Give a word, and the one before it, what stands between the two."""
    while waiting and waiting[-1].span.start < start:
        comment = waiting.pop()
        breaks = source.text.count("\n", end, comment.span.start)
        if last is not None and not breaks and not word.before and not last.after:
            last.after = comment.text.rstrip()
        else:
            word.before.append(OwnLine(comment.text.rstrip(), breaks > 1))
        end = comment.span.end
    breaks = source.text.count("\n", end, start)
    word.broken = breaks > 0 or bool(word.before)
    word.apart = breaks > 1
    return end


def _text(token: Token) -> str:
    """A word as it is written: 20ms and 10%, but 200 epochs."""
    if token.type != "QUANTITY":
        return token.text
    number = token.text.removesuffix(token.unit).rstrip()
    return f"{number} {token.unit}" if token.unit in _COUNTED else f"{number}{token.unit}"


_COUNTED = frozenset(
    unit for unit, (family, _, _) in UNITS.items() if family in ("epochs", "steps", "examples", "tokens", "frames")
)
