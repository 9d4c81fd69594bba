"""Texts as token numbers and back, one token for each character of an alphabet."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ...compiler.data_layer import Tokenizer
from ...compiler.parts.text.alphabet import Alphabet
from .manifest import BadText

_SHOWN = 5


def codec_of(tokenizer: Tokenizer) -> AlphabetCodec:
    """The running side of a spec's tokenizer."""
    assert isinstance(tokenizer, Alphabet), tokenizer.name
    return AlphabetCodec(tokenizer.symbols, lower=tokenizer.lower)


class AlphabetCodec:
    """The running side of compiler.parts.text.alphabet."""

    def __init__(self, symbols: str, *, lower: bool = True) -> None:
        self.symbols = symbols
        self.lower = lower
        self._numbers = {symbol: number for number, symbol in enumerate(symbols)}

    @property
    def space(self) -> int | None:
        """The token between words, if there is one."""
        return self._numbers.get(" ")

    def normalise(self, text: str) -> str:
        """The text in composed characters (NFC), lower case if asked for, words one space apart."""
        composed = unicodedata.normalize("NFC", text)
        return " ".join((composed.lower() if self.lower else composed).split())

    def encode(self, text: str) -> tuple[str, tuple[int, ...]]:
        """The normalised text and its token numbers; raises BadText where a character is not in the alphabet."""
        normalised = self.normalise(text)
        unknown = sorted({letter for letter in normalised if letter not in self._numbers})
        if unknown:
            shown = ", ".join(ascii(letter) for letter in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            raise BadText("not_in_alphabet", f"{shown}{more} not in the alphabet")
        return normalised, tuple(self._numbers[letter] for letter in normalised)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token numbers."""
        return "".join(self.symbols[token] for token in tokens)
