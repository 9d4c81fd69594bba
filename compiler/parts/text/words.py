"""Text as words between spaces."""

from __future__ import annotations

from ...part import param, part
from ...trained_tokenizer import TrainedTokenizer


@part("words", family="tokenizer")
class Words(TrainedTokenizer):
    """One token for each of the most frequent words of the training texts; words are what stands between spaces."""

    lower: bool = param(default=False, doc="turn texts into lower case first")
