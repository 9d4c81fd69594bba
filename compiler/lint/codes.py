"""Which codes there are, without reading their pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from ..rulebook import FOLDER, rules, text_rules


@cache
def known_codes() -> frozenset[str]:
    """All codes of this version."""
    pages = (re.match(r"s2s\d{3}", page.name) for page in (FOLDER / "codes").glob("s2s*.py"))
    return frozenset({rule.code for rule in (*rules(), *text_rules())} | {page[0].upper() for page in pages if page})


def is_known(code: str) -> bool:
    """Whether there is such a code."""
    return code in known_codes()


def is_looked_for(code: str, select: Iterable[str]) -> bool:
    """Whether a code is found where these are asked for; style is not, unless it is one of them."""
    return all(rule.is_wanted(select) for rule in text_rules() if rule.code == code)


def matches(code: str, patterns: Iterable[str]) -> bool:
    """Whether a code is one of those that are named, by themselves or by how they begin."""
    return any(code.startswith(pattern) for pattern in patterns)


def unknown(patterns: Iterable[str]) -> list[str]:
    """The patterns that no code fits."""
    return [pattern for pattern in patterns if not any(code.startswith(pattern) for code in known_codes())]
