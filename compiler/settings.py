"""Settings by their dotted names: what they are in the graph, and where the spec writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..dsl.source import Span
from ..dsl.values import ModuleReference, PartValue, Static
from .graph import Graph
from .part import Part
from .provenance import Value, span_of, statics


def setting(graph: Graph, path: str) -> Any:
    """The plain value of `hyperparameters.checkpoint.every`; None where the spec has no such part."""
    section, names = _split(path)
    found: Any = {"data": graph.data, "hyperparameters": graph.hyperparameters}.get(section)
    if section.startswith("export."):
        found = graph.exports.get(section.partition(".")[2])
    for name in names:
        found = found.values().get(name) if isinstance(found, Part) else None
    return found


def bound(graph: Graph, path: str) -> Value | None:
    """The same with its provenance; None where it is not known."""
    section, names = _split(path)
    found: Value | None = {"data": graph.origins.data, "hyperparameters": graph.origins.hyperparameters}.get(section)
    if section.startswith("export."):
        found = graph.origins.exports.get(section.partition(".")[2])
    for name in names:
        found = found.params.get(name) if isinstance(found, PartValue) else None
    return found


def is_written(graph: Graph, path: str) -> bool:
    """Whether the spec (or a profile, or --set) says it; a section is written if something in it is."""
    value = bound(graph, path)
    if isinstance(value, ModuleReference):
        return True
    return value is not None and any(static.origin.kind != "default" for static in statics(value))


def span_at(graph: Graph, path: str) -> Span | None:
    """Where a setting is written; for one that is not, where the section around it stands."""
    while True:
        span = span_of(bound(graph, path))
        if span is not None:
            return span
        outer, dot, _ = path.rpartition(".")
        if not dot or outer == "export":
            return None
        path = outer


def items(graph: Graph, path: str) -> Iterator[tuple[Any, Span | None]]:
    """The items of a list setting with their spans; a single value is a list of one."""
    value, origin = setting(graph, path), bound(graph, path)
    if not isinstance(value, tuple):
        if value is not None:
            yield value, span_at(graph, path)
        return
    inner = origin.value if isinstance(origin, Static) else None
    for index, item in enumerate(value):
        one = inner[index] if isinstance(inner, tuple) and index < len(inner) else None
        yield item, span_of(one) or span_at(graph, path)


def _split(path: str) -> tuple[str, list[str]]:
    names = path.split(".")
    return (".".join(names[:2]), names[2:]) if names[0] == "export" else (names[0], names[1:])
