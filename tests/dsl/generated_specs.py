"""Specs out of the air: every form of the grammar, in any layout that the language allows, with comments everywhere.

Most of them mean nothing. `generate` wants any source of randomness, `specs` is the same as a strategy of Hypothesis,
`nearly` breaks a text in a few places, and `scattered` gives another text a layout of its own.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as some
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.layout import CLOSER_OF
from s2sc.dsl.lexing import OPERATORS
from s2sc.dsl.parser import parse_words
from s2sc.dsl.source import Source
from s2sc.dsl.units import UNITS

specs = some.randoms(use_true_random=False).map(lambda random: generate(random))
broken_specs = some.randoms(use_true_random=False).map(lambda random: nearly(random, generate(random)))


def generate(random: Random, *, words: int | None = None) -> str:
    """A spec that parses, of about so many words."""
    made = _Words(random, words)
    made.document()
    return _scribble(random, made.out)


def nearly(random: Random, text: str) -> str:
    """A text with a few characters missing, doubled or put elsewhere; it may parse all the same."""
    for _ in range(random.randint(1, 3)):
        at, length = random.randrange(len(text) + 1), random.choice([1, 1, 2, 8])
        match random.randrange(3):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[: at + length] + text[at:]
            case _:
                text = text[:at] + random.choice(_STRAYS) + text[at:]
    return text


def scattered(random: Random, text: str) -> str:
    """The words of a spec that parses in another layout, with further comments."""
    _, tokens = parse_words(Source("spec.s2s", text), Findings())
    assert tokens is not None
    out: list[tuple[str, str]] = []
    for token in tokens:
        kind = token.type
        if kind in ("LBRACE", "RBRACE") and not token.inline:
            kind = "BODY" if kind == "LBRACE" else "END_BODY"
        out.append((kind, token.text))
    return _scribble(random, out)


# ---------------------------------------------------------------- layout

_COMMENTS = ("#", "# a comment", "#no blank", "# s2sc: allow S2S507 -- reason", "# 漢字 и é", '# x = { ( [ " ->  ')
_STRAYS = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "->",
    "=",
    ",",
    '"',
    "'",
    "\n",
    ";",
    "if",
    "é",
    "..",
    "%",
    "\\",
    "#",
    "\t",
    "0x",
)
_GLUED = frozenset(
    {"LPAR", "RPAR", "LSQB", "RSQB", "COMMA", "DOT", "EQUAL", "ARROW", "GIVES", "VBAR", "LBRACE", "RBRACE"}
)


def _scribble(random: Random, words: list[tuple[str, str]]) -> str:
    """Words with blanks, comments, newlines and `;` between them, where the language leaves a choice."""
    end = random.choice(["\n", "\n", "\r\n"])
    wild = random.choice([0.0, 0.1, 0.1, 0.3])
    pieces = [random.choice(["", "", "\ufeff", "\n\n# head\n", "  "])]
    inline = 0
    previous = ""
    for kind, text in words:
        if kind == "END":
            pieces.append(_statement_end(random, wild))
        else:
            free = inline > 0 or previous in OPERATORS or kind in ("ARROW", "THEN", "ELSE")
            after_end = previous in ("", "END", "BODY")
            if after_end:
                pieces.append(" " * random.choice([0, 2, 2, 5]))
            elif free and random.random() < wild:
                pieces.append(_newlines(random))
            elif previous in _GLUED and kind not in ("RBRACE",) and random.random() < 0.3:
                pieces.append("")
            else:
                pieces.append(random.choice([" ", " ", " ", "  ", "\t"]))
            pieces.append(text)
            if kind == "BODY" or (kind == "LBRACE" and random.random() < wild):
                pieces.append(random.choice([" ", "", "\n", "\n"]) if random.random() > wild else _newlines(random))
        if kind in CLOSER_OF:
            inline += 1
        elif kind in CLOSER_OF.values():
            inline -= 1
        previous = kind
    pieces.append(random.choice(["", "\n", "\n\n\n", "# the end", "\n  # the end\n"]))
    return "".join(pieces).replace("\r\n", "\n").replace("\n", end)


def _newlines(random: Random) -> str:
    found = random.choice(["", " ", "  " + random.choice(_COMMENTS)]) + "\n"
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        found += random.choice(["\n", "   \n", "  " + random.choice(_COMMENTS) + "\n"])
    return found + " " * random.choice([0, 2, 4, 7])


def _statement_end(random: Random, wild: float) -> str:
    if random.random() < 0.15:
        return random.choice([";", " ; ", ";;\n", "; # after\n"])
    if random.random() < wild:
        return _newlines(random)
    return random.choice(["\n", "\n", "\n", "\n\n", "  # why\n"])


# ---------------------------------------------------------------- words

_NAMES = (
    "x",
    "y",
    "h",
    "emb",
    "out",
    "data",
    "encoder",
    "layer_norm",
    "conv1d",
    "a_rather_long_name_of_a_block",
    "_",
    "i",
    "s",
    "min",
    "B2",
)
_KEYWORDS = (
    *("edition", "import", "use", "as", "let", "block", "repeat", "table", "of", "if", "then", "else", "and"),
    *("or", "not", "in", "true", "false", "none", "shared"),
)
_NUMBERS = ("0", "1", "17", "340_000", "0.5", "1e-3", "9007199254740991", "1_0.5_0E+2", "2.0")
_STRINGS = (
    '""',
    '"same"',
    '"a \\"quoted\\" \\u{1F600} # no comment"',
    '"漢字かな"',
    '"' + "long " * 14 + '"',
    '"é\\n"',
)


class _Words:
    """Writes the words of grammar rules: pairs of a type and a text; the types are the lexer's."""

    def __init__(self, random: Random, words: int | None) -> None:
        self.random = random
        self.out: list[tuple[str, str]] = []
        self.left = random.choice([20, 40, 60, 120, 300]) if words is None else words

    def add(self, *pairs: tuple[str, str]) -> None:
        self.out.extend(pairs)
        self.left -= len(pairs)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # ------------------------------------------------------------ statements

    def document(self) -> None:
        self.add(("EDITION", "edition"), ("NUMBER", "1"), _END)
        while self.left > 0:
            self.random.choice(
                [self.import_, self.use, self.block, self.block, self.let, self.let, self.assign, self.section]
            )()
            self.out.append(_END)

    def import_(self) -> None:
        self.add(("IMPORT", "import"), ("STRING", '"lib/gnmt.s2s"'), ("AS", "as"), self.name())

    def use(self) -> None:
        self.add(("USE", "use"))
        self.path()
        self.add(("AS", "as"), self.name())

    def let(self) -> None:
        self.add(("LET", "let"), self.soft(), _EQUAL)
        self.expression(3)

    def assign(self) -> None:
        if self.chance(0.15):
            self.add(("SHARED", "shared"), self.soft())
        elif self.chance(0.2):
            self.path()
        else:
            self.add(self.soft())
        self.add(_EQUAL)
        self.expression(3)

    def section(self, depth: int = 0) -> None:
        self.add(self.name())
        if self.chance(0.3):
            self.add(self.name())
        self.body(depth)

    def body(self, depth: int) -> None:
        self.add(_BODY)
        for _ in range(self.random.choice([0, 1, 1, 2, 3, 6])):
            if depth < 4:
                self.random.choice([self.let, *[self.assign] * 4, lambda: self.section(depth + 1), self.table])()
            else:
                self.assign()
            self.out.append(_END)
        self.add(_END_BODY)

    def table(self) -> None:
        self.add(("TABLE", "table"), self.name(), ("OF", "of"))
        self.path()
        self.add(_BODY)
        columns = self.random.choice([1, 2, 3, 6])
        if self.chance(0.95):
            self.add(_BAR)
            for _ in range(columns):
                self.add(self.column(), _BAR)
            self.add(_END)
            for _ in range(self.random.choice([0, 1, 3, 8])):
                self.add(_BAR)
                for _ in range(columns):
                    self.expression(self.random.choice([0, 0, 0, 1, 2]))
                    self.add(_BAR)
                self.add(_END)
        else:
            # a table wants its header
            self.add(_BAR, self.column(), _BAR, _END)
        self.add(_END_BODY)

    def block(self) -> None:
        self.add(("BLOCK", "block"), self.name(), _LPAR)
        for number in range(count := self.random.choice([0, 1, 2, 4, 12])):
            if self.chance(0.05):
                self.add(("STAR", "*"))
            self.add(self.name())
            if self.chance(0.4):
                self.add(("COLON", ":"))
                self.type()
            if self.chance(0.3):
                self.add(_EQUAL)
                self.expression(1)
            self.comma(number, count)
        self.add(_RPAR, ("GIVES", "=>"))
        if self.chance(0.5):
            self.result()
        else:
            self.add(_LPAR)
            for number in range(count := self.random.choice([1, 2, 3])):
                self.result()
                self.comma(number, count)
            self.add(_RPAR)
        self.body(1)

    def result(self) -> None:
        self.add(self.name())
        if self.chance(0.3):
            self.add(("COLON", ":"))
            self.type()

    def type(self) -> None:
        form = self.random.randrange(3)
        if form < 2:
            self.add(self.name())
        if form:
            self.add(_LSQB)
            for number in range(count := self.random.choice([0, 1, 3])):
                if self.chance(0.2):
                    self.add(("UPTO", ".."))
                else:
                    self.sum()
                self.comma(number, count)
            self.add(_RSQB)

    def sum(self) -> None:
        self.operand(0)
        if self.chance(0.3):
            self.add(self.random.choice([("PLUS", "+"), ("STAR", "*"), ("FLOOR_DIVIDE", "//")]))
            self.operand(0)

    def comma(self, number: int, count: int) -> None:
        """The comma after an item; after the last one it may stand or not."""
        if number < count - 1 or self.chance(0.15):
            self.add(_COMMA)

    # ------------------------------------------------------------ names

    def name(self) -> tuple[str, str]:
        return "NAME", self.random.choice(_NAMES)

    def soft(self) -> tuple[str, str]:
        """What stands before `=` may be any keyword."""
        return "NAME", self.random.choice(_KEYWORDS if self.chance(0.2) else _NAMES)

    def column(self) -> tuple[str, str]:
        return "NAME", self.random.choice(("repeat", "in", *_NAMES))

    def path(self) -> None:
        self.add(self.name())
        while self.chance(0.3):
            self.add(("DOT", "."), self.soft())

    # ------------------------------------------------------------ expressions

    def expression(self, depth: int) -> None:
        """Chains of arrows, choices, ranges, and operators from loose to tight, none of them nested for long."""
        self.choice(depth)
        while depth and self.left > 0 and self.chance(0.35):
            self.add(("ARROW", "->"))
            self.choice(depth - 1)

    def choice(self, depth: int) -> None:
        if depth and self.left > 0 and self.chance(0.12):
            self.add(("IF", "if"))
            self.expression(depth - 1)
            self.add(("THEN", "then"))
            self.expression(depth - 1)
            self.add(("ELSE", "else"))
            self.choice(depth - 1)
        elif depth and self.chance(0.08):
            self.operators(depth)
            self.add(("UPTO", ".."))
            self.operators(depth)
        else:
            self.operators(depth)

    def operators(self, depth: int) -> None:
        """Operands between operators: a comparison or `not` only where the grammar takes one."""
        if depth and self.chance(0.07):
            self.add(("NOT", "not"))
        self.arithmetic(depth)
        if depth and self.chance(0.08):
            self.add(("COMPARISON", self.random.choice(["==", "!=", "<", "<=", ">", ">="])))
            self.arithmetic(depth)
            if self.chance(0.5):
                self.add(self.random.choice([("OR", "or"), ("AND", "and")]))
                self.arithmetic(depth - 1)

    def arithmetic(self, depth: int) -> None:
        self.operand(depth)
        while depth and self.left > 0 and self.chance(0.2):
            self.add(
                self.random.choice(
                    [
                        ("PLUS", "+"),
                        ("MINUS", "-"),
                        ("STAR", "*"),
                        ("SLASH", "/"),
                        ("FLOOR_DIVIDE", "//"),
                        ("CIRCUMFLEX", "^"),
                    ]
                )
            )
            self.operand(depth - 1)

    def operand(self, depth: int) -> None:
        while self.chance(0.06):
            self.add(self.random.choice([("MINUS", "-"), ("PLUS", "+")]))
        if not depth or self.left <= 0 or self.chance(0.4):
            self.atom()
        else:
            self.random.choice([self.group, self.tuple, self.list, self.repeat, self.atom])(depth - 1)
        while depth and self.chance(0.25):
            if self.chance(0.4):
                self.add(("DOT", "."), self.soft())
            else:
                self.arguments(depth - 1)

    def atom(self, depth: int = 0) -> None:
        match self.random.randrange(8):
            case 0 | 1 | 2:
                self.add(self.name())
            case 3 | 4:
                self.add(("NUMBER", self.random.choice(_NUMBERS)))
            case 5:
                self.add(
                    (
                        "QUANTITY",
                        self.random.choice(_NUMBERS) + self.random.choice(["", " "]) + self.random.choice([*UNITS]),
                    )
                )
            case 6:
                self.add(("STRING", self.random.choice(_STRINGS)))
            case _:
                self.add(self.random.choice([("TRUE", "true"), ("FALSE", "false"), ("NONE", "none")]))

    def group(self, depth: int) -> None:
        self.add(_LPAR)
        self.expression(depth)
        self.add(_RPAR)

    def tuple(self, depth: int) -> None:
        self.add(_LPAR)
        self.expression(depth)
        self.add(_COMMA)
        for number in range(count := self.random.choice([0, 1, 2])):
            self.expression(depth)
            self.comma(number, count)
        self.add(_RPAR)

    def list(self, depth: int) -> None:
        self.add(_LSQB)
        for number in range(count := self.random.choice([0, 1, 3, 9])):
            self.expression(depth)
            self.comma(number, count)
        self.add(_RSQB)

    def repeat(self, depth: int) -> None:
        self.add(("REPEAT", "repeat"))
        self.expression(depth)
        if self.chance(0.5):
            self.add(("AS", "as"), self.name())
        self.add(("LBRACE", "{"))
        self.expression(depth)
        self.add(("RBRACE", "}"))

    def arguments(self, depth: int) -> None:
        self.add(_LPAR)
        for number in range(count := self.random.choice([0, 1, 2, 5])):
            if self.chance(0.5):
                self.add(self.soft(), _EQUAL)
            self.expression(depth)
            self.comma(number, count)
        self.add(_RPAR)


_END, _EQUAL, _COMMA, _BAR = ("END", ""), ("EQUAL", "="), ("COMMA", ","), ("VBAR", "|")
_LPAR, _RPAR, _LSQB, _RSQB = ("LPAR", "("), ("RPAR", ")"), ("LSQB", "["), ("RSQB", "]")
_BODY, _END_BODY = ("BODY", "{"), ("END_BODY", "}")
