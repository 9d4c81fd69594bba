"""Medians with their spread, and the interval of a ratio from interleaved measurements."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of repeated measurements, the middle half of them, and the least."""

    median: float
    low: float
    high: float
    least: float
    count: int

    def text(self, unit: str, *, scale: float = 1.0, digits: int = 1) -> str:
        """`12.3 ms (11.9–13.0, n = 20)`."""
        median, low, high = (f"{value * scale:.{digits}f}" for value in (self.median, self.low, self.high))
        return f"{median} {unit} ({low}–{high}, n = {self.count})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles."""
    ordered = sorted(values)
    if len(ordered) == 1:
        return Spread(ordered[0], ordered[0], ordered[0], ordered[0], 1)
    low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return Spread(median, low, high, ordered[0], len(ordered))


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float
    count: int

    def text(self) -> str:
        """`1.003 (0.991–1.012, 40 pairs)`."""
        return f"{self.median:.3f} ({self.low:.3f}–{self.high:.3f}, {self.count} pairs)"


def paired_ratio(ours: Sequence[float], theirs: Sequence[float], *, resamples: int = 4000) -> Ratio:
    """Compare measurements that were taken in turn: each ratio is of two neighbours, so slow drift cancels."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(resamples))
    low, high = medians[round(0.025 * (resamples - 1))], medians[round(0.975 * (resamples - 1))]
    return Ratio(statistics.median(ratios), low, high, len(ratios))
