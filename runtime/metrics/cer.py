"""Character error rate."""

from __future__ import annotations

from ...compiler.parts.metrics.cer import Cer
from .error_rate import ErrorRate


class CharacterErrorRate(ErrorRate):
    """Errors per character that was said, spaces included."""

    def update(self, reference: str, hypothesis: str) -> None:
        """Count one pair of texts."""
        self.add(" ".join(reference.split()), " ".join(hypothesis.split()))


def build(part: Cer) -> CharacterErrorRate:
    """An empty count."""
    return CharacterErrorRate()
