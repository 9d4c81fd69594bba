"""A share of one split's examples, chosen by what they are and not by where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from .example import Example, digest


def take_share(examples: Sequence[Example], share: float) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Divide examples into `share` of them and the rest, both in their given order.

    The examples with the smallest hash of their identity are taken: round(share * n) of them, one at least. The choice
    depends on no seed, order or other example's content; adding examples moves only those next to the boundary.
    """
    if not examples:
        return (), ()
    count = min(len(examples), max(1, round(share * len(examples))))
    ranked = sorted(range(len(examples)), key=lambda index: (digest("split", examples[index].identity), index))
    taken = set(ranked[:count])
    return (
        tuple(example for index, example in enumerate(examples) if index in taken),
        tuple(example for index, example in enumerate(examples) if index not in taken),
    )
