"""A token: a word of the text, with its place."""

from __future__ import annotations

from dataclasses import dataclass

from .source import Span


@dataclass(slots=True)
class Token:
    """One word of a spec.

    type    name of a terminal of the grammar, or NEWLINE, SEMICOLON, UNKNOWN
    value   what it stands for: the number, the text of a string
    unit    of a QUANTITY
    faulty  a finding about it was reported already: what follows from it stays silent
    """

    type: str
    text: str
    span: Span
    value: int | float | str = ""
    unit: str = ""
    faulty: bool = False
    inline: bool = False
