"""Character n-gram F-score."""

from __future__ import annotations

from ...compiler.parts.metrics.chrf import Chrf
from ..extras import extra
from .corpus_score import CorpusScore

with extra("text", "scoring translations"):
    from sacrebleu.metrics.chrf import CHRF


def build(part: Chrf) -> CorpusScore:
    """An empty count."""
    return CorpusScore(CHRF(word_order=part.words))
