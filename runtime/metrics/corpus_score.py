"""Scores of whole corpora by sacrebleu: what bleu and chrf share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from ..extras import extra

with extra("text", "scoring translations"):
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF


@dataclass
class CorpusScore:
    """A sacrebleu metric over all texts at once.

    counts  what it counts in each text (lengths, n-grams, those that match), added up
    """

    metric: BLEU | CHRF
    counts: list[int] = field(default_factory=list)

    def update(self, reference: str, hypothesis: str) -> None:
        """Count one pair of texts."""
        # how sacrebleu itself scores a corpus; it has no public name for half of the way
        (found,) = self.metric._extract_corpus_statistics([hypothesis], [[reference]])
        self.merge(found)

    def merge(self, counts: Sequence[int]) -> None:
        """Take in the counts of another part of the data."""
        self.counts = [one + other for one, other in zip_longest(self.counts, counts, fillvalue=0)]

    @property
    def value(self) -> float | None:
        """The score, 0 to 100; None where there was nothing to read."""
        if not self.counts:
            return None
        found: Any = self.metric._compute_score_from_stats(self.counts)
        return float(found.score)

    @property
    def signature(self) -> str:
        """What the figure was computed with, in sacrebleu's words; empty where there is no value."""
        # what it learns of a corpus that it reads whole
        self.metric.num_refs = 1
        return str(self.metric.get_signature()) if self.counts else ""
