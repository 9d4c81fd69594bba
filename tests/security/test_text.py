"""Characters that deceive are refused by name; those that another system writes are read."""

from __future__ import annotations

import pytest
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.parser import parse
from s2sc.dsl.reading import Unreadable, source_of


def said(content: bytes) -> str:
    """What a reader is told of a file's first fault, with its place."""
    try:
        source = source_of(content, "a.s2s")
    except Unreadable as refused:
        return refused.message
    parse(source, findings := Findings())
    return next((f"{one.span.line}:{one.span.column} {one.message}" for one in findings if one.span), "")


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
