"""Characters that people paste or type by accident, and what they meant."""

from __future__ import annotations

import unicodedata


def to_ascii(word: str) -> str:
    """Replace letters and digits that look like ASCII ones; the others stay."""
    return unicodedata.normalize("NFKC", word).translate(_LOOK_ALIKES)


# zero width space, (non-)joiners, word joiner, byte order mark, soft hyphen
INVISIBLE = frozenset(
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u061c\u2028\u2029"
    + "".join(chr(code) for first, last in ((0x202A, 0x202E), (0x2066, 0x2069)) for code in range(first, last + 1))
)
BLANKS = INVISIBLE | frozenset("\u00a0\u1680\u202f\u205f\u3000\x0b\x0c" + "".join(map(chr, range(0x2000, 0x200B))))

SYMBOLS = {
    "!": "not",
    "\u2212": "-",
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u00d7": "*",
    "\u22c5": "*",
    "\u00f7": "/",
    "\u2215": "/",
    "\u2192": "->",
    "\u21d2": "=>",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u2026": "..",
    "\u2025": "..",
    "\u2223": "|",
    "\u2502": "|",
} | {chr(code + 0xFEE0): chr(code) for code in b"()[]{}|,.:;=+-*/^<>"}

_CYRILLIC = dict(zip("асеорхуіјѕһԁԛԝАВЕКМНОРСТУХІЈЅ", "aceopxyijshdqwABEKMHOPCTYXIJS", strict=True))
_GREEK = dict(zip("ονραικτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ovpaiktABEZHIKMNOPTYX", strict=True))
_LOOK_ALIKES = str.maketrans(_CYRILLIC | _GREEK | {"ı": "i"})
