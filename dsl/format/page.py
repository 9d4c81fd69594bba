"""The lines of a formatted spec as they grow, word by word."""

from __future__ import annotations

from dataclasses import dataclass

from .shape import Bracket, Part
from .words import OwnLine, Word


@dataclass(slots=True)
class Line:
    """One line: its code, its width, and the comment behind it; `apart`: a blank line stands before it."""

    indent: int
    apart: bool
    code: str = ""
    width: int = 0
    comment: str = ""


class Page:
    """Takes words and begins lines; a comment ends its line by itself."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._pieces: list[str] = []
        self.column = 0

    @property
    def line(self) -> Line:
        return self.lines[-1]

    def begin(self, indent: int, *, apart: bool = False) -> None:
        """Begin a line; one that is empty still is begun anew."""
        self.finish()
        if self.lines and not self.line.code and not self.line.comment:
            apart = apart or self.line.apart
            self.lines.pop()
        self.lines.append(Line(indent, apart and bool(self.lines)))
        self.column = indent

    def finish(self) -> None:
        """Put the words together that were written since the line was begun."""
        if self._pieces:
            self.line.code = "".join(self._pieces)
            self.line.width = self.column
            self._pieces = []

    @property
    def is_fresh(self) -> bool:
        """Whether the line holds no word yet."""
        return not self._pieces

    def put(self, word: Word, indent: int, *, pad: int = 0) -> None:
        """Write a word, after the comments before it; a line that it has to begin is indented by `indent`."""
        if word.before:
            self.own_lines(word.before, indent)
            self.begin(indent)
        elif self.line.comment:
            self.begin(indent)
        text = word.text if self.is_fresh or not word.spaced else " " + word.text
        if pad:
            text = " " * pad + text
        self._pieces.append(text)
        self.column += word.width + len(text) - len(word.text)
        if word.after:
            self.line.comment = word.after

    def own_lines(self, comments: list[OwnLine], indent: int, *, tight: bool = False) -> None:
        """Write comments on lines of their own; `tight`: no blank line before the first."""
        for number, comment in enumerate(comments):
            self.begin(indent, apart=comment.apart and not (tight and number == 0))
            self.line.comment = comment.text

    def put_flat(self, part: Part, indent: int) -> None:
        """Write a part in the line."""
        if not isinstance(part, Bracket):
            self.put(part, indent)
            return
        self.put(part.open, indent)
        for item in part.items:
            for inner in item.parts:
                self.put_flat(inner, indent)
            if item.comma is not None:
                self.put(item.comma, indent)
        self.put(part.close, indent)
