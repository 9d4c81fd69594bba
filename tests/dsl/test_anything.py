"""Whatever is written, analysis ends, says well-formed things, and has a graph exactly when there is no error."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from s2sc.compiler.front import analyse
from s2sc.dsl.report import full
from s2sc.dsl.source import Source
from s2sc.tests.small_spec import OUT, SPEC

ROOT = Path(__file__).parent.parent
TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[a-zA-Z%]+)?|->|=>|\.\.|//|[^\s\w]|\n| +')
TEXTS = [SPEC, *(path.read_text() for path in sorted((ROOT / "golden").glob("*.s2s")))]
TOKENS = [TOKEN.findall(text) for text in TEXTS]
WORDS = sorted({token for tokens in TOKENS for token in tokens if token.strip()})
NUMBERS = ["0", "1", "-1", "4096", "1e9", "0.5", "10ms", "10%", "5 steps", "9007199254740991", "1e-30"]
BOUNDED = settings(max_examples=250, deadline=20_000, suppress_health_check=list(HealthCheck))

atoms = some.sampled_from(
    [
        *NUMBERS,
        "true",
        "none",
        "fp16",
        '"a"',
        "data",
        "data.audio",
        "data.text",
        "data.audio.bins",
        "data.audio.lengths",
        "chars",
        "chars.size",
        "width",
        "conv",
        "relu",
        "linear",
        "wer",
        "adam",
        "encoder.out",
        "decoder",
        "loss",
        "train",
        "valid.wer",
        "hyperparameters.dropout",
        "x",
        "h",
        "m",
        "i",
        "min",
        "env",
        "lstm",
        "nope",
        "concat",
        "relu(max = 2)",
        "linear(8)",
        "conv(8, 3)",
        "dropout(0.1)",
        "conv1d(8, kernel = 3)",
        "data.audio -> relu",
    ]
)
keys = some.sampled_from(
    ["", "", "", "channels = ", "kernel = ", "x = ", "size = ", "tie = ", "blank = ", "default = "]
)


def larger(inner: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    operator = some.sampled_from(["+", "-", "*", "/", "//", "^", "==", "<", "and", "or", "->", "->", "->", ".."])
    argument = some.builds("{}{}".format, keys, inner)
    return (
        some.builds("({} {} {})".format, inner, operator, inner)
        | some.builds(lambda f, arguments: f"{f}({', '.join(arguments)})", atoms, some.lists(argument, max_size=3))
        | some.builds("({}, {})".format, inner, inner)
        | some.builds("[{}, {}]".format, inner, inner)
        | some.builds("(if {} then {} else {})".format, inner, inner, inner)
        | some.builds("(repeat {}{} {{ {} }})".format, inner, some.sampled_from(["", " as i"]), inner)
        | some.builds("(not {})".format, inner)
    )


expressions = some.recursive(atoms, larger, max_leaves=8)
places = some.sampled_from(
    [
        ("let width = 16", "let width = {}"),
        (OUT, "out = {}"),
        (OUT, "h = {}\n  " + OUT),
        (OUT, "shared m = {}\n  out = data.audio -> m"),
        ("y = x -> conv1d(", "h = {}\n  y = x -> conv1d("),
        ("lr = 1e-3", "lr = {}"),
        ("[wer, cer]", "{}"),
        ("chars.size + 1", "{}"),
        (OUT, "table t of conv {{\n | channels | kernel |\n | 8 | {} |\n }}\n  out = data.audio -> t"),
    ]
)


def check(text: str) -> None:
    analysis = analyse(Source("any.s2s", text))
    findings = list(analysis.findings)
    assert (analysis.checked is None) == any(one.severity == "error" for one in findings)
    for one in findings:
        assert re.fullmatch(r"S2S\d{3}", one.code)
        assert one.message
        assert not one.message.endswith(".")
        assert one.span is None or 0 <= one.span.start <= one.span.end <= len(one.span.source.text)
    assert full.render(findings)


@BOUNDED
@given(some.lists(some.tuples(places, expressions), min_size=1, max_size=3))
def test_expressions_of_any_meaning(changes: list[tuple[tuple[str, str], str]]) -> None:
    text = SPEC
    for (old, new), expression in changes:
        text = text.replace(old, new.format(expression), 1)
    check(text)


@BOUNDED
@given(some.data())
def test_tokens_dropped_doubled_swapped_and_changed(data: some.DataObject) -> None:
    tokens = list(data.draw(some.sampled_from(TOKENS)))
    for _ in range(data.draw(some.integers(1, 4))):
        at = data.draw(some.integers(0, len(tokens) - 1))
        match data.draw(some.integers(0, 4)):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[at])
            case 2:
                other = data.draw(some.integers(0, len(tokens) - 1))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens[at] = data.draw(some.sampled_from(WORDS))
            case 4:
                tokens[at] = data.draw(some.sampled_from(NUMBERS))
    check("".join(tokens))
