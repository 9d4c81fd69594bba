"""Text as single characters."""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize

from ....dsl.values import Plain
from ...data_layer import Tokenizer
from ...part import Mismatch, param, part


@part("alphabet", family="tokenizer")
class Alphabet(Tokenizer):
    """One token for each character: the token's number is the character's place in `symbols`."""

    symbols: str = param(doc="the characters that texts are made of, in order")
    lower: bool = param(default=True, doc="turn texts into lower case first")

    @property
    def num_tokens(self) -> int:
        return len(self.symbols)

    def facts(self) -> Mapping[str, Plain]:
        return {"size": self.num_tokens}

    def check_params(self) -> None:
        if not self.symbols:
            raise Mismatch("S2S303", "alphabet needs one symbol or more", param="symbols")
        twice = sorted({symbol for symbol in self.symbols if self.symbols.count(symbol) > 1})
        if twice:
            shown = ", ".join(repr(symbol) for symbol in twice)
            raise Mismatch("S2S303", f"alphabet has a symbol twice: {shown}", param="symbols")
        upper = "".join(symbol for symbol in self.symbols if self.lower and symbol.lower() != symbol)
        if upper:
            raise Mismatch(
                "S2S613",
                f"alphabet turns texts into lower case, so {upper!r} never occurs",
                param="symbols",
                helps=("write the symbols in lower case", "or say lower = false"),
            )
        never = "".join(symbol for symbol in self.symbols if not _occurs(symbol))
        if never:
            raise Mismatch(
                "S2S613",
                f"alphabet composes letters and makes all space between words one space, so {never!a} never occurs",
                param="symbols",
                helps=("leave it out, or write the composed letter",),
            )


def _occurs(symbol: str) -> bool:
    """Whether a text can have it once its letters are composed (NFC) and its words are one space apart."""
    return symbol == " " or (not symbol.isspace() and (symbol.isascii() or normalize("NFC", symbol) == symbol))
