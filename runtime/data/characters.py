"""Texts as characters, numbered by a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .codec import composed
from .piece_table import PieceTable


class CharactersCodec:
    """The running side of compiler.parts.text.characters."""

    def __init__(self, pieces: Sequence[str], num_tokens: int) -> None:
        self.table = PieceTable(pieces, num_tokens)

    @property
    def num_tokens(self) -> int:
        return self.table.num_tokens

    def normalise(self, text: str) -> str:
        """The text in composed characters, words one space apart."""
        return composed(text)

    def encode(self, text: str) -> tuple[str, tuple[int, ...]]:
        """The normalised text and the numbers of its characters."""
        normalised = self.normalise(text)
        return normalised, tuple(self.table.numbers(normalised))

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of the characters of many texts."""
        return [self.table.numbers(self.normalise(text)) for text in texts]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token numbers."""
        return "".join(self.table.read(tokens))
