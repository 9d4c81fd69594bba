"""Where the numbers of a node came from: spans and labels for diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from ..dsl.diagnostics import Label
from ..dsl.source import Span
from ..dsl.values import ModuleReference, PartValue, Static

Value = Static | PartValue | ModuleReference

_MOST_LABELS = 4


def span_of(value: Value | None) -> Span | None:
    """Where a value is written; None for a default."""
    if value is None:
        return None
    return value.origin.span if isinstance(value, Static) else value.span


def applied_at(value: Value | None, use: Span | None) -> Span | None:
    """Where to point for a value of an operation: at the value if it stands in the operation's text, else at that."""
    span = span_of(value)
    return span if inside(span, use) else use


def labels_of(value: Value | None, *, besides: Span | None, text: str = "comes from here") -> tuple[Label, ...]:
    """Labels at the written values that a value was computed from, except inside `besides`."""
    if not isinstance(value, Static):
        return ()
    found: list[Label] = []
    for source in value.sources():
        span = source.origin.span
        if span is None or source.origin.kind == "default" or inside(span, besides):
            continue
        if all(label.span != span for label in found):
            found.append(Label(span, text))
    return tuple(found[:_MOST_LABELS])


def inside(span: Span | None, outer: Span | None) -> bool:
    """Whether a span lies within another one of the same source."""
    if span is None or outer is None:
        return False
    return span.source is outer.source and outer.start <= span.start and span.end <= outer.end


def statics(value: Value) -> Iterator[Static]:
    """All bound values below a value, lists and nested parts opened."""
    if isinstance(value, PartValue):
        for inner in value.params.values():
            yield from statics(inner)
    elif isinstance(value, Static):
        yield value
        if isinstance(value.value, tuple):
            for item in value.value:
                yield from statics(item)


def parts(value: Value) -> Iterator[PartValue]:
    """A part value and all parts below it."""
    if isinstance(value, PartValue):
        yield value
        for inner in value.params.values():
            yield from parts(inner)
    elif isinstance(value, Static) and isinstance(value.value, tuple):
        for item in value.value:
            yield from parts(item)
