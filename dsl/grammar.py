"""The grammar of s2s.lark: a parser for it, and the words it is made of."""

from __future__ import annotations

import re
from functools import cache

from .automaton import Automaton, builds
from .parse_tables import ParseTables, parse_tables
from .tree import TreeBuilder


class Grammar:
    """What lexing and parsing read from the grammar file.

    words      "->" and "let" to the names of their terminals, ARROW and LET
    name, number, string, comment: regular expressions; no attempt is quadratic
    """

    def __init__(self, tables: ParseTables) -> None:
        self.tables = tables
        self._builds = builds(tables, TreeBuilder())
        self.words = tables.words
        self.name = tables.patterns["NAME"]
        self.number = tables.patterns["NUMBER"]
        self.string = tables.patterns["STRING"]
        self.comment = tables.patterns["COMMENT"]

    def start(self) -> Automaton:
        """A parser at the start of a document, to be fed tokens one by one."""
        return Automaton(self.tables, self._builds)


@cache
def grammar() -> Grammar:
    """Read the parse tables; once in a process."""
    return Grammar(parse_tables())


def word_pattern(words: dict[str, str]) -> str:
    """A regular expression for the operators and brackets among `words`, the longest first."""
    symbols = sorted((word for word in words if not word.isalpha()), key=len, reverse=True)
    return "|".join(re.escape(symbol) for symbol in symbols)
