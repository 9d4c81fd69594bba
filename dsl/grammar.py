"""The grammar of s2s.lark as parse tables, and the words it is made of."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import Lexer
from lark.parsers.lalr_interactive_parser import InteractiveParser

from .tree import TreeBuilder


@dataclass(frozen=True)
class Grammar:
    """What lexing and parsing read from the grammar file.

    words      "->" and "let" to the names of their terminals, ARROW and LET
    name, number, string, comment: regular expressions; no attempt is quadratic
    """

    lark: Lark
    words: dict[str, str]
    name: str
    number: str
    string: str
    comment: str

    def start(self) -> InteractiveParser:
        """A parser at the start of a document, to be fed tokens one by one."""
        return self.lark.parse_interactive()


@cache
def grammar() -> Grammar:
    """Build the parse tables; once in a process."""
    text = Path(__file__).with_name("s2s.lark").read_text(encoding="utf-8")
    collecting = gc.isenabled()
    # thousands of small objects that all stay: looking for garbage among them costs a tenth of the time
    gc.disable()
    try:
        lark = Lark(
            text,
            parser="lalr",
            lexer=_Fed,
            start="document",
            keep_all_tokens=True,
            maybe_placeholders=False,
            transformer=TreeBuilder(),
        )
    finally:
        if collecting:
            gc.enable()
    patterns = {terminal.name: terminal.pattern for terminal in lark.terminals}
    words = {pattern.value: name for name, pattern in patterns.items() if pattern.type == "str"}
    words |= dict.fromkeys(patterns["COMPARISON"].value.split("|"), "COMPARISON")
    return Grammar(
        lark,
        words,
        name=patterns["NAME"].value,
        number=patterns["NUMBER"].value,
        string=patterns["STRING"].value,
        comment=patterns["COMMENT"].value,
    )


class _Fed(Lexer):
    """Stands where lark wants a lexer: tokens are made by dsl.lexing and fed to the parser one by one."""

    def __init__(self, configuration: Any) -> None:
        pass

    def lex(self, *_: Any) -> Iterator[Any]:
        return iter(())


def word_pattern(words: dict[str, str]) -> str:
    """A regular expression for the operators and brackets among `words`, the longest first."""
    symbols = sorted((word for word in words if not word.isalpha()), key=len, reverse=True)
    return "|".join(re.escape(symbol) for symbol in symbols)
