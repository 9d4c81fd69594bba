"""Characters that deceive are refused by name; those that another system writes are read."""

from __future__ import annotations

import pytest
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.parser import parse
from s2sc.dsl.reading import Unreadable, source_of
from s2sc.fuzz.inputs import Inputs
from s2sc.tests.dsl.test_format import check, plain


def problems(content: bytes) -> list[str]:
    """What a reader is told of a file's faults, with their places."""
    try:
        source = source_of(content, "a.s2s")
    except Unreadable as refused:
        return [refused.message]
    parse(source, findings := Findings())
    return [f"{one.span.line}:{one.span.column} {one.message}" for one in findings if one.span]


def said(content: bytes) -> str:
    return next(iter(problems(content)), "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"edition 1\nlet a\0 = 1\n", "a.s2s:2:6: a NUL character"),
        (b"edition 1\nlet a = 1\r# b\n", "a.s2s:2:10: a carriage return without"),
        (b"edition 1\nlet a = \xed\xa0\x80\n", "a.s2s:2:9: not UTF-8 text (byte 0xed)"),
        (b"edition 1\nlet a = \xc0\xaf\n", "a.s2s:2:9: not UTF-8 text (byte 0xc0)"),
        (b"edition 1\nlet a = \xf4\x90\x80\x80\n", "a.s2s:2:9: not UTF-8 text (byte 0xf4)"),
        ("edition 1\n# \u202e\n".encode(), "U+202E"),
        ('edition 1\nlet a = "\u2066"\n'.encode(), "U+2066"),
        ("edition 1\nlet \u0430 = 1\n".encode(), "U+0430"),
        ("edition 1\nlet a = 1\u0661\n".encode(), "U+0661"),
        ("edition 1\nlet a\u200b = 1\n".encode(), "U+200B"),
        ("edition 1\n\ufefflet a = 1\n".encode(), "U+FEFF"),
        (b"edition 1\nlet a = \x1b[31m\n", "U+001B"),
        (b"edition 1\nlet a = " + b"1" * 4301 + b"\n", "2:9"),
        (b"edition 1\nlet a = 1e400\n", "2:9"),
    ],
)
def test_what_deceives_is_named(content: bytes, words: str) -> None:
    assert words in said(content)


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfedition 1\n", b"edition 1\r\nlet a = 1\r\n", "edition 1\n# é 漢\n".encode()]
)
def test_what_other_systems_write_is_read(content: bytes) -> None:
    assert said(content) == ""


def test_thousands_of_errors_are_counted_and_few_are_shown() -> None:
    from s2sc.dsl.report import full

    findings = Findings()
    parse(source_of(b"edition 1\n" + b"$ ? @ ! ~ " * 12_000, "a.s2s"), findings)
    found = list(findings)
    assert len(found) <= 1001
    assert any("more syntax errors, not shown" in one.message for one in found)
    assert full.render(found).count("error[") <= 100


FORBIDDEN = (
    *map(chr, [0x00, 0x07, 0x08, 0x0B, 0x0C, 0x1B, 0x7F, 0x85, 0x200E, 0x200F, 0x2028, 0x2029]),
    *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
)


@pytest.mark.parametrize("group", range(4))
def test_characters_that_deceive_are_found_wherever_they_stand(group: int) -> None:
    inputs = Inputs(f"deceive {group}")
    for _ in range(250):
        text, odd = plain(inputs.generated()), inputs.random.choice(FORBIDDEN)
        at = inputs.random.randrange(1, len(text) + 1)
        content = (text[:at] + odd + text[at:]).encode()
        assert any(f"U+{ord(odd):04X}" in one or "NUL" in one for one in problems(content)), content


@pytest.mark.parametrize("group", range(4))
def test_text_of_other_systems_and_formatted_text_mean_the_same(group: int) -> None:
    inputs = Inputs(f"same {group}")
    for _ in range(250):
        text = plain(inputs.generated())
        other = source_of(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), "a.s2s")
        assert check(other.text) == check(text)
