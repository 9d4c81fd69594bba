"""Edit distance pooled over many texts: what word and character error rates share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..extras import extra

with extra("speech", "measuring error rates"):
    from rapidfuzz.distance import Levenshtein


@dataclass
class ErrorRate:
    """Counts that add up over batches and processes; `value` is errors per reference unit."""

    errors: int = 0
    units: int = 0

    def add(self, reference: Sequence[str], hypothesis: Sequence[str]) -> None:
        """Count one text's least number of replacements, drops and additions (Levenshtein 1966)."""
        self.errors += Levenshtein.distance(reference, hypothesis)
        self.units += len(reference)

    @property
    def counts(self) -> list[int]:
        """Errors and reference units."""
        return [self.errors, self.units]

    def merge(self, counts: Sequence[int]) -> None:
        """Take in the counts of another part of the data."""
        errors, units = counts
        self.errors += errors
        self.units += units

    @property
    def value(self) -> float | None:
        """The rate; None where there was nothing to read."""
        return self.errors / self.units if self.units else None
