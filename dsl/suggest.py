"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def closest(name: str, candidates: Iterable[str], *, preferred: Collection[str] = ()) -> str | None:
    """The candidate with the least edits from a misspelt name, of equals one of `preferred`; None if all are far."""
    letters = set(name.lower())
    best: tuple[int, bool, int, str] | None = None
    for candidate in set(candidates):
        most = max(1, max(len(name), len(candidate)) // 3)
        if len(name) >= 4 and candidate.lower().startswith(name.lower()):
            rank = (most, candidate not in preferred, False, candidate)
            best = rank if best is None or rank < best else best
            continue
        if abs(len(candidate) - len(name)) > most or candidate == name:
            continue
        if len(letters.symmetric_difference(candidate.lower())) > 2 * most:
            continue
        edits = _edits(name.lower(), candidate.lower(), most)
        if edits > most or edits >= len(candidate):
            continue
        rank = (edits, candidate not in preferred, candidate[:1] != name[:1], candidate)
        best = rank if best is None or rank < best else best
    return None if best is None else best[3]


def did_you_mean(name: str, candidates: Iterable[str], *, preferred: Collection[str] = ()) -> tuple[str, ...]:
    """A help line with the closest candidate, or none."""
    match = closest(name, candidates, preferred=preferred)
    return (f"did you mean `{match}`?",) if match else ()


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: "a, b, c and 4 more"."""
    shown = list(names)
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")


def article(noun: str) -> str:
    """A noun with "a" or "an"."""
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


def possessive(owner: str) -> str:
    """`conv1d's`, `hyperparameters'`."""
    return f"{owner}'" if owner.endswith("s") else f"{owner}'s"


def _edits(a: str, b: str, most: int) -> int:
    """Characters to replace, add, drop or swap with a neighbour; anything above `most` for more than that."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
