"""Text as pieces of words that a model of SentencePiece finds in the training texts."""

from __future__ import annotations

from ...part import param, part
from ...trained_tokenizer import TrainedTokenizer


@part("sentencepiece", family="tokenizer")
class SentencePiece(TrainedTokenizer):
    """Pieces of words, learnt from the training texts (Kudo & Richardson 2018).

    The model is trained when the data is first opened, kept in the cache and copied into the run's folder.
    """

    kind: str = param(
        default="unigram",
        doc="how pieces are found: by a unigram language model or by merging pairs",
        choices=("unigram", "bpe"),
    )
    coverage: float = param(default=1.0, doc="share of the characters that get a token", above=0.9, maximum=1.0)
