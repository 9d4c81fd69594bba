"""Where a fix puts a setting into a section, or takes one out of a call."""

from __future__ import annotations

import re

from ..dsl.diagnostics import Edit
from ..dsl.source import Span
from .graph import Graph
from .settings import bound, span_at

_NAME_BEFORE = re.compile(r"\w+[ \t]*=[ \t]*\Z")


def before_setting(graph: Graph, path: str, text: str) -> tuple[Edit, ...]:
    """An edit that writes a statement before the setting `path`; none where it is not written as `name = value`."""
    span = span_at(graph, path) if bound(graph, path) is not None else None
    name = None if span is None else _NAME_BEFORE.search(span.source.text, 0, span.start)
    if span is None or name is None or span.source.shown:
        return ()
    line = span.source.text.rfind("\n", 0, name.start()) + 1
    before = span.source.text[line : name.start()]
    end = "; " if before.strip() else f"\n{before}"
    return (Edit(Span(span.source, name.start(), name.start()), text + end),)


def without_argument(graph: Graph, path: str) -> tuple[Edit, ...]:
    """An edit that takes `, name = value` out of a call; none where the value is not written so."""
    span = span_at(graph, path) if bound(graph, path) is not None else None
    if span is None or span.source.shown:
        return ()
    name = re.compile(rf",\s*{path.rpartition('.')[2]}[ \t]*=[ \t]*\Z").search(span.source.text, 0, span.start)
    return () if name is None else (Edit(Span(span.source, name.start(), span.end), ""),)
