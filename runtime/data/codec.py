"""What turns texts into token numbers and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol

# What stands in a text for a token that is none.
NO_TOKEN = "⁇"


class Codec(Protocol):
    """A trained tokenizer. Its numbers have no marks around them: whoever makes batches adds begin and end."""

    @property
    def num_tokens(self) -> int:
        """How many numbers there are, the marks among them."""

    def normalise(self, text: str) -> str:
        """The text as it is cut."""

    def encode(self, text: str) -> tuple[str, tuple[int, ...]]:
        """The normalised text and its token numbers."""

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The token numbers of many texts."""

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token numbers; begin and end marks are dropped, an unknown token is NO_TOKEN."""


def composed(text: str) -> str:
    """Text in composed characters (NFC), words one space apart."""
    return " ".join(unicodedata.normalize("NFC", text).split())
