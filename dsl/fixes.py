"""The fixes that reading and resolving offer: words written instead of others, statements taken out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from .diagnostics import Edit, Fix
from .escapes import visible
from .source import Source, Span
from .suggest import closest

_NUMBER = re.compile(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NEXT = re.compile(r"[ \t]*(;[ \t]*)?(#[^\n]*)?(\n|\Z)?")
_UNITS = {"frequency": "Hz", "bytes": "B"}


def instead(span: Span, text: str, *, safe: bool = True) -> tuple[Fix, ...]:
    """Write something else."""
    what = f"write `{visible(text)}`" if text else "remove it"
    return (Fix(what, (Edit(span, text),), safe),)


def inserted(source: Source, offset: int, text: str, *, safe: bool = True) -> tuple[Fix, ...]:
    """Write something more."""
    return (Fix(f"write `{visible(text.strip())}`", (Edit(Span(source, offset, offset), text),), safe),)


def meant(name: str, span: Span, candidates: Iterable[str]) -> tuple[Fix, ...]:
    """Write the name that was meant, if no other one is as near to it."""
    known = set(candidates)
    match = closest(name, known)
    return said(match, span) if match and closest(name, known - {match}) is None else ()


def said(match: str | None, span: Span) -> tuple[Fix, ...]:
    """Write a name instead of the one that stands there; nothing if none is known or no name stands there."""
    return instead(span, match) if match and _NAME.fullmatch(span.text) else ()


def with_unit(span: Span, number: object, units: Collection[str]) -> tuple[Fix, ...]:
    """Write the unit of a bare number, where only one can be meant."""
    if len(units) != 1 or not _NUMBER.fullmatch(span.text):
        return ()
    unit = _unit(number, *units)
    return instead(span, f"{span.text}{unit}") if unit else ()


def range_with_unit(span: Span, low: object, high: object, units: Collection[str]) -> tuple[Fix, ...]:
    """The same for the ends of a range."""
    ends = span.text.split("..")
    if len(units) != 1 or len(ends) != 2 or not all(_NUMBER.fullmatch(end.strip()) for end in ends):
        return ()
    unit = _unit(low, *units)
    return instead(span, f"{ends[0].strip()}{unit} .. {ends[1].strip()}{unit}") if unit else ()


def _unit(number: object, family: str) -> str:
    """The unit that a number of a family has for sure; 0.02 of time are seconds, 20 may be milliseconds."""
    if family == "time":
        return "s" if isinstance(number, float) and 0 < number < 1 else ""
    if family == "frequency":
        return "Hz" if isinstance(number, int) and number >= 1000 else ""
    return "" if family in ("bytes", "share") else f" {family}"


def rounded_down(span: Span) -> tuple[Fix, ...]:
    """Write `//` for the one `/` of an expression."""
    slashes = [match.start() for match in re.finditer("/+", span.text) if match[0] == "/"]
    if len(slashes) != 1 or any(mark in span.text for mark in '"#'):
        return ()
    start = span.start + slashes[0]
    return (Fix("write `//`, which rounds down", (Edit(Span(span.source, start, start + 1), "//"),), safe=False),)


def without_statement(span: Span) -> tuple[Fix, ...]:
    """Take a statement out, with its lines if nothing else stands there; what stands above it stays."""
    text = span.source.text
    line = text.rfind("\n", 0, span.start) + 1
    before = text[line : span.start]
    after = _NEXT.match(text, span.end)
    assert after is not None
    alone = not before.strip() and after[3] is not None
    start, end = (line, after.end()) if alone else (span.start, after.end(1) if after[1] else span.end)
    if not alone and after[1] is None and before.rstrip().endswith(";"):
        start = line + len(before.rstrip()) - 1
    return (Fix("remove it", (Edit(Span(span.source, start, end), ""),), safe=True),)
