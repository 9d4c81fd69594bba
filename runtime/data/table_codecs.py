"""Texts as words or as characters, numbered by a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...compiler.data_layer import UNKNOWN
from ...compiler.trained_tokenizer import NUM_MARKS
from .codec import NO_TOKEN, composed


class Table:
    """Pieces by number, behind the marks."""

    def __init__(self, pieces: Sequence[str], num_tokens: int) -> None:
        assert len(pieces) + NUM_MARKS <= num_tokens
        self.pieces = tuple(pieces)
        self.num_tokens = num_tokens
        self._numbers = {piece: number for number, piece in enumerate(self.pieces, start=NUM_MARKS)}

    def numbers(self, pieces: Iterable[str]) -> list[int]:
        """The numbers of pieces; UNKNOWN for those that are not in the table."""
        get = self._numbers.get
        return [get(piece, UNKNOWN) for piece in pieces]

    def read(self, tokens: Iterable[int]) -> list[str]:
        """The pieces of numbers; one without a piece is NO_TOKEN, begin and end are left out."""
        found: list[str] = []
        for token in tokens:
            place = token - NUM_MARKS
            if 0 <= place < len(self.pieces):
                found.append(self.pieces[place])
            elif place >= 0 or token == UNKNOWN:
                found.append(NO_TOKEN)
        return found


class WordsCodec:
    """The running side of compiler.parts.text.words."""

    def __init__(self, pieces: Sequence[str], num_tokens: int, *, lower: bool = False) -> None:
        self.table = Table(pieces, num_tokens)
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


class CharactersCodec:
    """The running side of compiler.parts.text.characters."""

    def __init__(self, pieces: Sequence[str], num_tokens: int) -> None:
        self.table = Table(pieces, num_tokens)

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
