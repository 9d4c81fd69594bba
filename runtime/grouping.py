"""Things of like length put together, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def group_by_length(lengths: Mapping[int, int], *, budget: float, most: int) -> Iterator[list[int]]:
    """The keys in groups, the longest first, so that what does not fit into memory is found at once.

    budget  lengths in a group with its padding; one that is longer than all of it has a group to itself
    most    keys in a group
    """
    order = sorted(lengths, key=lambda key: -lengths[key])
    while order:
        fitting = int(budget // max(1, lengths[order[0]]))
        size = max(1, min(most, fitting))
        yield order[:size]
        order = order[size:]
