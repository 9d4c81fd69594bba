"""The words of the language, as a dictionary that a fuzzer of bytes puts together."""

from __future__ import annotations

from ..dsl.grammar import grammar
from .inputs import names

_MORE = (
    "edition 1\n",
    "=> y {\n",
    "[batch, time, _]",
    "| repeat |",
    "\r\n",
    "\ufeff",
    "\u202e",
    "\u0430",
    "# s2sc: allow ",
)


def dictionary() -> str:
    """A line a word, as libFuzzer reads it."""
    words = [*grammar().words, *names(), *_MORE]
    return "".join(f'"{_escaped(word)}"\n' for word in dict.fromkeys(words))


def _escaped(word: str) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}" for byte in word.encode()
    )
