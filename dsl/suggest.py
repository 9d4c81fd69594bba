"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks most like a misspelt name, or None."""
    matches = get_close_matches(name, sorted(set(candidates)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """A help line with the closest candidate, or none."""
    match = closest(name, candidates)
    return (f"did you mean `{match}`?",) if match else ()


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: "a, b, c and 4 more"."""
    shown = list(names)
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")
