"""How many columns a text takes where letters have one width, and East Asian ones two."""

from __future__ import annotations

import unicodedata

# of a line of code; comments may be longer
LINE = 120


def columns(text: str) -> int:
    """The width of a text; what joins the character before it takes no column."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
