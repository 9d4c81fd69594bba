"""Word error rate."""

from __future__ import annotations

from ...compiler.parts.metrics.wer import Wer
from .error_rate import ErrorRate


class WordErrorRate(ErrorRate):
    """Errors per word that was said."""

    def update(self, reference: str, hypothesis: str) -> None:
        """Count one pair of texts."""
        self.add(reference.split(), hypothesis.split())


def build(part: Wer) -> WordErrorRate:
    """An empty count."""
    return WordErrorRate()
