"""Scores of whole corpora by sacrebleu: what bleu and chrf share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..extras import extra

with extra("text", "scoring translations"):
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF


@dataclass
class CorpusScore:
    """Pairs of texts and the sacrebleu metric that scores all of them at once."""

    metric: BLEU | CHRF
    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)

    def update(self, reference: str, hypothesis: str) -> None:
        """Count one pair of texts."""
        self.references.append(reference)
        self.hypotheses.append(hypothesis)

    def merge(self, other: CorpusScore) -> None:
        """Take in another part of the data."""
        self.references += other.references
        self.hypotheses += other.hypotheses

    @property
    def value(self) -> float | None:
        """The score, 0 to 100; None where there was nothing to read."""
        if not self.references:
            return None
        found: Any = self.metric.corpus_score(self.hypotheses, [self.references])
        return float(found.score)

    @property
    def signature(self) -> str:
        """What the figure was computed with, in sacrebleu's words; known once there is a value."""
        return str(self.metric.get_signature()) if self.references else ""
