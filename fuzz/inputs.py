"""Inputs without end, the same ones for the same seed: models, specs that parse, specs that nearly do, and bytes.

Most of them are small, so that many are tried; one in some thousands is as large as a spec may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

from ..compiler.catalogue import builtin
from ..dsl.limits import LIMITS
from ..dsl.units import UNITS
from ..tests.dsl.generated_specs import generate, nearly
from ..tests.small_spec import OUT, SPEC

ROOT = Path(__file__).parents[1]
FOLDERS = ("specs", "tests/ui", "tests/golden", "tests/dsl/specs", "tests/dsl/formatted", "fuzz/golden")
HEAD = "edition 1\n"
LIBRARY = "lib/gnmt.s2s"
Made = tuple[str, bytes]

_WORD = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d[\d_.]*(?:e-?\d+)?(?:[a-zA-Z%]+)?|->|=>|\.\.|//|==|<=|[^\s\w]|\s+')
_NUMBERS = (
    *("0", "1", "-1", "2", "3", "8", "4096", "65536", "0.5", "1e-3", "1e9", "9007199254740991", "9007199254740992"),
    *("1e400", "1e-400", "2^2^40", "-0", "1" * 40, "0.1" + "0" * 50, "10ms", "10%", "5 steps", "64 examples", "1e999s"),
)
_ODD = (
    *("\0", "\r", "\t", "\x0b", "\x1b[31m", "\x7f", "\x85", "\u00a0", "\u00ad", "\u0430", "\u0391", "\u200b", "\u202e"),
    *(
        "\u2066",
        "\u2028",
        "\ufeff",
        "\ufffe",
        "\uff08",
        "\u2192",
        "\u212a",
        "\u0661",
        "\u0301",
        "\U0001f600",
        "\U000e0041",
    ),
    *(
        "漢",
        "é",
        "ﬁ",
        "“",
        "‐",
        "\n::error::x\n",
        "##[group]x",
        "##vso[task.x]",
        "# ::set-env name=x::y\n",
        "\\u{202E}",
    ),
    *(
        "'",
        '"',
        "\\",
        "`",
        "$(id)",
        "${{ x }}",
        "%0A::x",
        "<!--",
        "]]>",
        "\n\n",
        ";",
        "..",
        "->",
        "{",
        "}",
        "(",
        "[",
        "|",
    ),
)
_OPERATORS = ("+", "-", "*", "/", "//", "^", "==", "<", "and", "or", "->", "->", "->", "->", "..")
# what a model stays one with, most of the time
_SOUND = (
    ("let width = 16", "let width = {} // 1"),
    (OUT, OUT + " -> relu"),
    (OUT, OUT + " -> repeat 2 as i {{ conv(width + i, kernel = 3) }}"),
    (OUT, OUT + " -> lstm(4, bidirectional = true) -> dropout(0.1)"),
    (OUT, "# {} {}\n  " + OUT + "  # ##[group] ::x"),
    (OUT, OUT + " -> linear(8) -> batch_norm"),
    ("lr = 1e-3", "lr = 1e-{}0 + 1e-3"),
    ("adam(lr = 1e-3)", "momentum(lr = 0.1, momentum = 0.9)"),
    ("seed      = 1", "seed = 1\n  precision = fp32\n  clip = 1.0"),
    ("stop      = 100 steps", "stop = 3 epochs; dropout = 0.1"),
    ("keep  = 1s .. 10s", "keep = 0.1s .. 99s"),
    ("kernel = 3, stride = 2", "stride = 1 + 1, kernel = 2 ^ 2"),
)


class Inputs:
    """A stream of inputs: their kind and their bytes."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def __iter__(self) -> Iterator[Made]:
        kinds: list[tuple[int, Callable[[], str]]] = [
            (300, self.generated),
            (90, self.nearly),
            (240, self.pieces),
            (120, self.changed_words),
            (60, self.odd),
            (15, self.meant),
            (3, self.whole),
        ]
        weights = [weight for weight, _ in kinds]
        while True:
            (_, make), number = self.random.choices(kinds, weights)[0], self.random.randrange(4000)
            if number == 0:
                yield "large", self.large().encode("utf-8", "surrogatepass")[: LIMITS.file_bytes + 1]
            elif number < 280:
                yield "bytes", self.bytes(make())
            else:
                yield make.__name__, make().encode("utf-8", "surrogatepass")

    # ------------------------------------------------------------ kinds

    def generated(self) -> str:
        """Every form of the grammar."""
        return generate(self.random, words=self.random.choice((2, 2, 5, 5, 10, 30))).replace(LIBRARY, "lib/none.s2s", 1)

    def nearly(self) -> str:
        return nearly(self.random, self.generated())

    def pieces(self) -> str:
        """Statements of several specs together."""
        some = self.random.choices(statements(), k=self.random.choice((1, 1, 1, 2)))
        return HEAD + "".join(some)

    def changed_words(self) -> str:
        """The same with words dropped, doubled, swapped or made other ones of their class."""
        words = _WORD.findall(self.pieces())
        for _ in range(self.random.choice((1, 1, 2, 4))):
            at = self.random.randrange(len(words))
            match self.random.randrange(6):
                case 0:
                    words[at] = ""
                case 1:
                    words.insert(at, words[at])
                case 2:
                    other = self.random.randrange(len(words))
                    words[at], words[other] = words[other], words[at]
                case _:
                    words[at] = self._like(words[at])
        return "".join(words)

    def odd(self) -> str:
        """Characters that people do not see, or that mean something elsewhere."""
        text = self.random.choice((self.generated, self.pieces))()
        for _ in range(self.random.choice((1, 1, 3))):
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.random.choice(_ODD) + text[at + self.random.choice((0, 0, 1)) :]
        return text

    def meant(self) -> str:
        """A model with expressions of any meaning in it; some of them are checked to the end."""
        text = SPEC
        places = (
            ("let width = 16", "let width = {}"),
            (OUT, "out = {}"),
            (OUT, "h = {}\n  " + OUT),
            (OUT, "out = data.audio -> {} -> {}"),
            (OUT, "shared m = {}\n  out = data.audio -> m -> m"),
            (OUT, "table t of conv {{\n | channels | kernel |\n | 8 | {} |\n }}\n  out = data.audio -> t"),
            ("lr = 1e-3", "lr = {}"),
            ("batch     = 32 examples", "batch = {}"),
            ("optimizer = adam(lr = 1e-3)", "optimizer = {}"),
            ("seed      = 1", "seed = 1\n  precision = {}"),
            ("[wer, cer]", "{}"),
            ("chars.size + 1", "{}"),
            ("keep  = 1s .. 10s", "keep = {}"),
        )
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            old, new = self.random.choice((*places, *_SOUND))
            text = text.replace(old, new.format(self._expression(2), self._expression(1)), 1)
        return text

    def whole(self) -> str:
        """A whole file of the project with a little of it changed."""
        text = self.random.choice(files())
        for _ in range(self.random.choice((0, 1, 2))):
            at = self.random.randrange(len(text) + 1)
            text = text[:at] + self.random.choice((*_ODD, *_NUMBERS, "")) + text[at + self.random.choice((0, 1, 30)) :]
        return text

    def large(self) -> str:
        """As much as a spec may have of one thing, or a little more."""
        unit = self.random.choice(
            (
                self.generated().removeprefix("\ufeff"),
                self.pieces(),
                self.random.choice(_ODD),
                "(",
                "x = [",
                "-> relu ",
                "| 1 ",
                "x",
            )
        )
        size = self.random.choice((4_000, 20_000, LIMITS.file_bytes))
        return HEAD + self.random.choice(("", "let x = ", "encoder {\n out = data.audio ")) + unit * (size // len(unit))

    def bytes(self, text: str) -> bytes:
        """Any bytes at any place."""
        content = bytearray(text.encode("utf-8", "surrogatepass"))
        for _ in range(self.random.choice((1, 2, 8))):
            at = self.random.randrange(len(content) + 1)
            content[at : at + self.random.choice((0, 1, 1, 4))] = self.random.randbytes(
                self.random.choice((0, 1, 1, 3))
            )
        return bytes(content)

    # ------------------------------------------------------------ words

    def _like(self, word: str) -> str:
        if word[:1].isdigit():
            return self.random.choice(_NUMBERS)
        if word[:1].isalpha() or word[:1] == "_":
            return self.random.choice(names())
        if word[:1] == '"':
            return f'"{self.random.choice((*_ODD, "a", "lib/gnmt.s2s", "../x.s2s"))}"'
        return self.random.choice((*_OPERATORS, word, word))

    def _expression(self, depth: int) -> str:
        choose = self.random.choice
        if depth == 0:
            return choose(
                (
                    choose(_NUMBERS),
                    choose(("1", "2", "8")),
                    choose(names()),
                    choose(("data.audio", "chars.size", "width", '"same"', "true", "none")),
                )
            )
        inner = self._expression
        match self.random.randrange(8):
            case 0 | 1 | 2:
                arguments = (
                    choose(("", "", f"{choose(names())} = ")) + inner(depth - 1) for _ in range(choose((0, 1, 1, 2)))
                )
                return f"{choose(names())}({', '.join(arguments)})"
            case 3 | 4:
                return f"{inner(depth - 1)} {choose(_OPERATORS)} {inner(depth - 1)}"
            case 5:
                return f"[{inner(depth - 1)}, {inner(depth - 1)}]"
            case 6:
                return f"(if {inner(depth - 1)} then {inner(depth - 1)} else {inner(depth - 1)})"
            case _:
                return f"(data.audio -> repeat {inner(depth - 1)} {{ {inner(depth - 1)} }})"


# ---------------------------------------------------------------- what there is to begin with


@cache
def files() -> tuple[str, ...]:
    """Every spec of the project, and every finding that was kept."""
    found = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.s2s") if path.is_file())
    return tuple(path.read_bytes().decode("utf-8", "replace") for path in found)


@cache
def statements() -> tuple[str, ...]:
    """The statements of all of them that are short."""
    found: dict[str, None] = {}
    for text in files():
        for piece in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE):
            if 0 < len(piece) <= 160 and not piece.startswith(("edition", "import", "#")):
                found[piece] = None
    return tuple(found)


@cache
def names() -> tuple[str, ...]:
    """Every component and part, their parameters, and the units."""
    found = {"x", "y", "conv", "width", "min", "max", "path", "env", "pad_to", *UNITS}
    for cls in builtin().classes():
        found.add(cls.name.rpartition(".")[2])
    for text in files():
        found.update(re.findall(r"[a-z_]+(?= *=)", text))
    return tuple(sorted(found))
