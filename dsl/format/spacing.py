"""Where a blank stands between two words of a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class _Typed(Protocol):
    type: str


def is_spaced(before: Sequence[_Typed], after: str) -> bool:
    """Whether a blank stands before a word of type `after` that follows these words."""
    last = before[-1].type
    if after in _TIGHT_BEFORE or last in _TIGHT_AFTER:
        return False
    if after in ("LPAR", "LSQB"):
        # of a call, of a block's parameters, of a type's axes
        return last not in ENDS_OPERAND
    if last in ("PLUS", "MINUS", "STAR"):
        # a sign, and the star of a parameter that takes any number of values
        return len(before) > 1 and before[-2].type in ENDS_OPERAND
    return True


# after one of these, + and - are sums and not signs
ENDS_OPERAND = frozenset({"NAME", "NUMBER", "QUANTITY", "STRING", "TRUE", "FALSE", "NONE", "RPAR", "RSQB", "RBRACE"})
_TIGHT_BEFORE = frozenset({"COMMA", "RPAR", "RSQB", "DOT", "COLON", "CIRCUMFLEX"})
_TIGHT_AFTER = frozenset({"LPAR", "LSQB", "DOT", "CIRCUMFLEX"})
