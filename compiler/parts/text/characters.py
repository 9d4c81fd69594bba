"""Text as the characters that occur in the training texts."""

from __future__ import annotations

from ...part import part
from ...trained_tokenizer import TrainedTokenizer


@part("characters", family="tokenizer")
class Characters(TrainedTokenizer):
    """One token for each of the most frequent characters of the training texts, the space among them."""
