"""Which neighbours have their `=` or `{` one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .widths import LINE

# a name so many times as long as those before it, or as short, begins a run of its own
_ALIKE = 5


@dataclass(slots=True)
class Entry:
    """A statement as lining up sees it.

    kind    only statements of one kind are lined up; none with those that have ""
    letters of the name itself
    name    columns before the sign
    rest    columns from there on
    single  all of it stands in one line; one that does not is the last of its run
    apart   a blank line or a comment stands before it
    """

    kind: str
    letters: int = 0
    name: int = 0
    rest: int = 0
    single: bool = True
    apart: bool = False


def pads(entries: Sequence[Entry]) -> list[int]:
    """For each entry, the blanks that line its sign up with those of its run."""
    found: list[int] = []
    run: list[Entry] = []
    longest = rest = total = 0
    for entry in entries:
        own_rest = entry.rest if entry.single else 0
        if run and not (
            entry.kind
            and entry.kind == run[-1].kind
            and run[-1].single
            and not entry.apart
            and max(longest, entry.name) + max(rest, own_rest) <= LINE
            and 1 / _ALIKE < entry.letters * len(run) / total < _ALIKE
        ):
            found += [longest - one.name for one in run]
            run, longest, rest, total = [], 0, 0, 0
        run.append(entry)
        longest, rest, total = max(longest, entry.name), max(rest, own_rest), total + entry.letters
    return found + [longest - one.name for one in run]
