"""Ways to be a nuisance: each gives about so many characters of one of them."""

from __future__ import annotations

from collections.abc import Callable

from s2sc.tests.small_spec import OUT, SPEC

HEAD = "edition 1\n"
# more than anybody writes, and more than the limits allow
_DEEP = 300


def _times(unit: str, size: int) -> str:
    return unit * max(1, size // len(unit))


def _numbered(unit: str, size: int) -> str:
    """A unit with its own number `#` and the one before it `@`, over and over."""
    made, length, number = [], 0, 1
    while length < size:
        made.append(unit.replace("#", str(number)).replace("@", str(number - 1)))
        length += len(made[-1])
        number += 1
    return "".join(made)


def _top(unit: str) -> Callable[[int], str]:
    return lambda size: HEAD + _times(unit, size)


def _tops(unit: str, first: str = "") -> Callable[[int], str]:
    return lambda size: HEAD + first + _numbered(unit, size)


def _value(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda size: f"{HEAD}let x = {before}{_times(unit, size)}{after}\n"


def _around(opening: str, closing: str) -> Callable[[int], str]:
    """Nested as deep as fits."""

    def made(size: int) -> str:
        depth = size // len(opening + closing)
        return f"{HEAD}let x = {opening * depth}1{closing * depth}\n"

    return made


def _encoder(unit: str, before: str, after: str) -> Callable[[int], str]:
    """Inside of a model that is right otherwise."""
    return lambda size: SPEC.replace(OUT, before + _numbered(unit, max(1, size - len(SPEC))) + after, 1)


def _before_data(unit: str, out: str) -> Callable[[int], str]:
    def made(size: int) -> str:
        statements = _numbered(unit, max(1, size - len(SPEC)))
        last = str(statements.count("\n"))
        text = SPEC.replace("data speech {", f"{statements}data speech {{", 1)
        return text.replace(OUT, out.replace("#", last), 1)

    return made


def _settings(unit: str) -> Callable[[int], str]:
    return lambda size: SPEC.replace("seed      = 1", "seed = 1\n" + _numbered(unit, max(1, size - len(SPEC))), 1)


FAMILIES: dict[str, Callable[[int], str]] = {
    # brackets
    "parentheses left open": _value("("),
    "parentheses": _around("(", ")"),
    "lists left open": _value("["),
    "lists": _around("[", "]"),
    "tuples": _around("(", ",)"),
    "braces left open": _top("a {\n"),
    "closing brackets": _top(") ] }\n"),
    "brackets that do not match": _top("( ] { ) [ }\n"),
    "calls": _around("f(", ")"),
    "repeats": _around("repeat 2 { ", " }"),
    "choices": _around("if true then ", " else 1"),
    "types": lambda size: f"{HEAD}block f(x: seq[{_times('batch, ', size)}]) => y {{ y = x }}\n",
    # operators
    "a sum": _value("1 + ", after="1"),
    "signs": _value("- ", after="1"),
    "powers": _value("2 ^ ", after="2"),
    "products": _value("9007199254740991 * ", after="2"),
    "nots": _value("not ", after="true"),
    "arrows": _value("a -> ", after="b"),
    "ranges": _value("1 .. "),
    "dots": _value("a.", after="a"),
    "commas": _value(",", "[", "]"),
    "equals": _top("= "),
    "a list": _value("1, ", "[", "]"),
    # words
    "a long name": _value("x"),
    "a long number": _value("9"),
    "a long float": _value("0.", after="1"),
    "digits and underscores": _value("1_"),
    "a long string": _value("a", '"', '"'),
    "strings left open": _top('let a = "b\n'),
    "backslashes": _value("\\", '"', '"'),
    "escapes": _value("\\u{41}", '"', '"'),
    "quotes": _top('"'),
    "one comment": _top("#"),
    "comments": _top("# a\n"),
    "suppressions": _top("# s2sc: allow S2S507 -- because\n"),
    "empty lines": _top("\n"),
    "blanks": _top(" "),
    "line ends of another system": _top("\r\n"),
    "semicolons": _top(";"),
    "no words": _top("$ ? @ ! ~ "),
    "units": _value("1furlongs + ", after="1"),
    "bidirectional characters": _top("\u202e"),
    "look-alikes": _tops("let \u0430\u0435# = 1\n"),
    "invisible characters": _top("a\u200b"),
    "marks that combine": _top("e\u0301"),
    "wide characters": _value("漢", '"', '"'),
    "commands of runners": _top("::error::a\n##[group]b\n"),
    # statements
    "errors": _top("=\n"),
    "one name": _top("let a = 1\n"),
    "names": _tops("let a# = #\n"),
    "names of names": _tops("let a# = a@ + 1\n", "let a0 = 1\n"),
    "doubling numbers": _tops("let a# = a@ * a@\n", "let a0 = 3\n"),
    "doubling lists": _tops("let a# = [a@, a@]\n", "let a0 = [1]\n"),
    "a circle of names": _tops("let a# = a# + a@\n"),
    "sections": _tops("encoder e# { out = 1 }\n"),
    "sections in sections": lambda size: HEAD + _times("a { ", size // 2) + _times("} ", size // 2),
    "imports": _tops('import "f#.s2s" as f#\n'),
    "imports that lead out": _tops('import "../f#.s2s" as f#\n'),
    "packages": _tops("use a#.b# as c#\n"),
    "profiles": _tops("profile p# { seed = # }\n"),
    "blocks": _tops("block b#(x: seq) => y { y = x -> relu }\n"),
    "parameters": lambda size: f"{HEAD}block b(x: seq, {_numbered('p#, ', size)}) => y {{ y = x }}\n",
    "a table": lambda size: f"{HEAD}encoder {{\ntable t of conv {{\n| a |\n{_times('| 1 |' + chr(10), size)}}}\n}}\n",
    "a wide table": lambda size: f"{HEAD}encoder {{\ntable t of c {{\n|{_numbered(' a# |', size)}\n}}\n}}\n",
    "bars": _top("| "),
    # models
    "layers": _encoder(" -> relu", "out = data.audio", ""),
    "lines of layers": _encoder("h# = h@ -> relu\n", "h0 = data.audio -> linear(8)\n", "out = h0"),
    "doubling layers": _encoder("h# = h@ + h@\n", "h0 = data.audio -> linear(8)\n", "out = h0"),
    "unknown layers": _encoder(" -> conf#d(8)", "out = data.audio", ""),
    "unknown options": _encoder("kernal# = 3, ", "out = data.audio -> conv1d(8, ", "kernel = 3)"),
    "repeats of repeats": _encoder(" -> repeat 999 { relu -> repeat 999 { relu } }", "out = data.audio", ""),
    "shared layers": _encoder("shared m# = linear(8)\n", "", OUT),
    "what nobody uses": _encoder("h# = data.audio -> linear(8)\n", "", OUT),
    "wrong sizes": _encoder("h# = data.audio + (data.audio -> linear(#))\n", "", OUT),
    "doubling blocks": _before_data(
        "block b#(x: seq) => y { y = x -> b@ -> b@ }\n", "out = data.audio -> linear(8) -> b#"
    ),
    "blocks of blocks": _before_data("block b#(x: seq) => y { y = x -> b@ }\n", "out = data.audio -> linear(8) -> b#"),
    "rows of a product": lambda size: SPEC.replace(
        OUT,
        "table t of conv {\n| channels | kernel | repeat |\n"
        + _times("| 8 | 3 | 4096 |\n", size)
        + "}\nout = data.audio -> t",
        1,
    ),
    "settings": _settings("unknown# = #\n"),
    "one setting": _settings("seed = #\n"),
    "metrics": lambda size: SPEC.replace("[wer, cer]", f"[{_times('wer, ', size)}cer]", 1),
    "files of data": lambda size: SPEC.replace(
        '["train.jsonl"]', f"[{_numbered(chr(34) + 'a#' + chr(34) + ', ', size)}]"
    ),
}
