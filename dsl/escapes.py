"""Make text inert: nothing that a terminal, a log or a CI runner could act on."""

from __future__ import annotations

import re
import unicodedata


def visible(text: str) -> str:
    """Write control, bidirectional and CI marker characters as their code points in braces; a tab stays."""
    return "".join(visible_characters(text))


def visible_characters(text: str) -> list[str]:
    """The same, one piece for each character."""
    pieces = list(text)
    for found in _ACTIVE.finditer(text):
        pieces[found.start()] = _escaped(found[0])
    for found in _MARKERS.finditer(text):
        pieces[found.start() + 1] = _escaped(found[0][1])
    return pieces


def clipped(text: str, most: int = 500) -> str:
    """The same on one line, cut where it is longer than anyone reads."""
    text = text.replace("\t", " ")
    return visible(text if len(text) <= most else f"{text[:most]}…")


def code_point(character: str) -> str:
    """A character for people: `é` U+00E9 LATIN SMALL LETTER E WITH ACUTE; invisible ones by number and name only."""
    name = unicodedata.name(character, "")
    shown = f"`{character}` " if character.isprintable() and not character.isspace() else ""
    return f"{shown}U+{ord(character):04X} {name}".rstrip()


def display_width(text: str) -> int:
    """Columns of a terminal: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


# C0, DEL, C1, bidirectional controls, invisible formatting, line separators, surrogates, private use, tags
_ACTIVE = re.compile(
    "[\0-\x08\n-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U0010ffff]"
)
# ::error, ##[group], ##vso[, ##teamcity[
_MARKERS = re.compile(r"(?:(?<=^)|(?<=\s))::|##(?=[a-z]*\[)")


def _escaped(character: str) -> str:
    return f"\\u{{{ord(character):X}}}"


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
