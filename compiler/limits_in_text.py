"""Where the data section writes its limits."""

from __future__ import annotations

from ..dsl.diagnostics import Label
from ..dsl.source import Span
from .graph import Graph
from .provenance import span_of


def label_of_limit(graph: Graph, param: str, text: str, *, besides: Span | None) -> tuple[Label, ...]:
    """A label at a limit of the data section (`keep = 0.1s .. 16.7s`), if it is written."""
    data = graph.origins.data
    span = span_of(data.params.get(param)) if data is not None else None
    return () if span is None or span == besides else (Label(span, text),)
