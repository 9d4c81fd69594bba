"""A share of one split's examples, chosen by what they are and not by where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from .example import Example, digest


def take_share(examples: Sequence[Example], share: float) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Divide examples into `share` of them and the rest, both in their given order.

    The examples with the smallest hash of their identity are taken: round(share * n) of them, one at least. The choice
    depends on no seed, order or other example's content; adding examples moves only those next to the boundary.
    """
    taken = share_of([example.identity for example in examples], share)
    return (
        tuple(example for index, example in enumerate(examples) if index in taken),
        tuple(example for index, example in enumerate(examples) if index not in taken),
    )


def share_of(identities: Sequence[str], share: float) -> set[int]:
    """The places of `share` of some identities, chosen as `take_share` says."""
    if not identities:
        return set()
    count = min(len(identities), max(1, round(share * len(identities))))
    ranked = sorted(range(len(identities)), key=lambda index: (digest("split", identities[index]), index))
    return set(ranked[:count])
