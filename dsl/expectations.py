"""What could have stood where the parser stopped, in words."""

from __future__ import annotations

from collections.abc import Collection

from .escapes import visible
from .grammar import grammar
from .tokens import Token


def expected_words(accepted: Collection[str]) -> str:
    """The terminals that a parser state accepts, as a person would say it: "an expression or `)`"."""
    left = set(accepted)
    words: list[str] = []
    if "LET" in left:
        left -= _STATEMENT | {"$END"}
        words.append("a statement")
    elif left >= _OPERAND:
        left -= _EXPRESSION
        words.append("an expression")
    elif left & _OPERATORS:
        # that an expression could go on is true nearly everywhere and helps nobody
        left -= _OPERATORS
        if not left:
            words.append("an operator")
    if left & {"END", "$END"}:
        left -= {"END", "$END"}
        words.append("the end of the line")
    if "NAME" in left:
        left.remove("NAME")
        words.insert(0, "a name")
    words += sorted(_word(terminal) for terminal in left)
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"


def found_words(token: Token) -> str:
    """A token as it is quoted in a message."""
    if token.type == "END":
        return token.text
    shown = visible(token.span.text or token.text)
    if len(shown) > 30:
        shown = f"{shown[:29]}…"
    return f"`{shown}`"


_OPERAND = {"NAME", "NUMBER", "STRING", "LPAR", "LSQB"}
_EXPRESSION = _OPERAND | {"QUANTITY", "IF", "NOT", "REPEAT", "MINUS", "PLUS", "TRUE", "FALSE", "NONE", "UPTO"}
_OPERATORS = {
    "ARROW",
    "UPTO",
    "OR",
    "AND",
    "COMPARISON",
    "PLUS",
    "MINUS",
    "STAR",
    "SLASH",
    "FLOOR_DIVIDE",
    "CIRCUMFLEX",
    "DOT",
    "LPAR",
}
_STATEMENT = {"NAME", "LET", "SHARED", "TABLE", "EDITION", "IMPORT", "USE", "BLOCK", "MODULE"}
_PLAIN = {"NUMBER": "a number", "STRING": "a string", "QUANTITY": "a quantity", "VBAR": "`|`"}


def _word(terminal: str) -> str:
    if terminal in _PLAIN:
        return _PLAIN[terminal]
    written = next(text for text, name in grammar().words.items() if name == terminal)
    return f"`{written}`"
