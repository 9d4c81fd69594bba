"""The order of examples: which batches an epoch has, as a pure function of seed, epoch and the examples' lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..extras import extra
from .example import digest

with extra("speech", "reading speech data"):
    import numpy as np
    from numpy.typing import NDArray

Batches = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class BatchSize:
    """How much a batch holds: a number of examples, or padded seconds or padded tokens in all.

    A budget of seconds or tokens is never passed, except by a single example that is larger than it.

    parts  how many processes take a part of each batch; each part is as large as `amount` says
    """

    amount: float
    of: Literal["examples", "seconds", "tokens"] = "examples"
    parts: int = 1


@dataclass(frozen=True)
class Share:
    """Which part of each batch a process takes: `rank` of `size`.

    Batches are those of all processes together, so that their order does not depend on how many there are.
    """

    rank: int = 0
    size: int = 1

    def of(self, batch: tuple[int, ...]) -> tuple[int, ...]:
        """Every `size`-th row: rows stand by length, so parts are of like size. Empty where there are fewer rows."""
        return batch[self.rank :: self.size]


WHOLE = Share()


def shuffled(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch: a permutation of `count` indices that depends on (seed, epoch) alone."""
    keys = np.random.Philox(key=digest("order", seed, epoch)).random_raw(count)
    return np.argsort(keys, kind="stable").astype(np.int64)


def bucketed_batches(
    order: NDArray[np.int64],
    lengths: NDArray[np.float64],
    size: BatchSize,
    *,
    buckets: int,
    second: NDArray[np.float64] | None = None,
) -> Batches:
    """Batches of examples of like length; every index of `order` stands in exactly one.

    order    indices in the epoch's order
    lengths  how long each example is, by index: seconds, or tokens where batches are counted in tokens
    buckets  batches that are made from examples that follow each other; 1: lengths do not matter
    second   what decides between examples of the same length, by index; None: the epoch's order

    Pools of `buckets` batches are cut from the order, sorted by length and cut into batches. Only the last pool can end
    in a smaller batch, where batches are counted in examples.
    """
    batches: list[tuple[int, ...]] = []
    for pool in _pools(order, lengths, size, buckets):
        if buckets == 1:
            by_length = pool
        elif second is None:
            by_length = pool[np.argsort(lengths[pool], kind="stable")]
        else:
            by_length = pool[np.lexsort((second[pool], lengths[pool]))]
        batches.extend(_cut(by_length, lengths, size))
    return tuple(batches)


def mixed(batches: Batches, *, seed: int, epoch: int) -> Batches:
    """The batches in an order that depends on (seed, epoch) alone."""
    keys = np.random.Philox(key=digest("batches", seed, epoch)).random_raw(len(batches))
    return tuple(batches[number] for number in np.argsort(keys, kind="stable"))


def sorted_batches(
    lengths: NDArray[np.float64], size: BatchSize, *, second: NDArray[np.float64] | None = None
) -> Batches:
    """Batches for evaluation: the longest examples first, so that what does not fit is found at once."""
    order = np.argsort(-lengths, kind="stable") if second is None else np.lexsort((-second, -lengths))
    return tuple(_cut(order, lengths, size))


def _pools(
    order: NDArray[np.int64], lengths: NDArray[np.float64], size: BatchSize, buckets: int
) -> Sequence[NDArray[np.int64]]:
    if size.of == "examples":
        step = max(1, int(size.amount)) * size.parts * buckets
        return [order[first : first + step] for first in range(0, len(order), step)]
    filled = np.cumsum(lengths[order]) // (size.amount * size.parts * buckets)
    return np.split(order, np.flatnonzero(np.diff(filled)) + 1)


def _cut(indices: NDArray[np.int64], lengths: NDArray[np.float64], size: BatchSize) -> list[tuple[int, ...]]:
    if size.of == "examples":
        step = max(1, int(size.amount)) * size.parts
        return [tuple(indices[first : first + step].tolist()) for first in range(0, len(indices), step)]
    batches: list[tuple[int, ...]] = []
    current: list[int] = []
    longest = 0.0
    for index in indices.tolist():
        longest = max(longest, float(lengths[index]))
        if current and longest * -(-(len(current) + 1) // size.parts) > size.amount:
            batches.append(tuple(current))
            current, longest = [], float(lengths[index])
        current.append(index)
    if current:
        batches.append(tuple(current))
    return batches
