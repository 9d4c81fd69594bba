"""Pieces of texts and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...compiler.data_layer import UNKNOWN
from ...compiler.trained_tokenizer import NUM_MARKS
from .codec import NO_TOKEN


class PieceTable:
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
