"""Bilingual evaluation understudy."""

from __future__ import annotations

from ...compiler.parts.metrics.bleu import Bleu
from ..extras import extra
from .corpus_score import CorpusScore

with extra("text", "scoring translations"):
    from sacrebleu.metrics.bleu import BLEU


def build(part: Bleu) -> CorpusScore:
    """An empty count."""
    # a hint at tokenised input would go to standard error in the middle of a display
    return CorpusScore(BLEU(tokenize=part.tokenize, lowercase=part.lowercase, force=True))
