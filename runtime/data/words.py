"""Texts as words, numbered by a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .codec import composed
from .piece_table import PieceTable


class WordsCodec:
    """The running side of compiler.parts.text.words."""

    def __init__(self, pieces: Sequence[str], num_tokens: int, *, lower: bool = False) -> None:
        self.table = PieceTable(pieces, num_tokens)
        self.lower = lower

    @property
    def num_tokens(self) -> int:
        return self.table.num_tokens

    def normalise(self, text: str) -> str:
        """The text in composed characters, words one space apart, in lower case if asked for."""
        return composed(text.lower() if self.lower else text)

    def encode(self, text: str) -> tuple[str, tuple[int, ...]]:
        """The normalised text and the numbers of its words."""
        normalised = self.normalise(text)
        return normalised, tuple(self.table.numbers(normalised.split()))

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of the words of many texts."""
        return [self.table.numbers(self.normalise(text).split()) for text in texts]

    def decode(self, tokens: Iterable[int]) -> str:
        """The words of token numbers."""
        return " ".join(self.table.read(tokens))
