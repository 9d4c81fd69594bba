"""Sizes of a graph's symbols at the limits of the data."""

from __future__ import annotations

from .data_layer import Symbolic
from .graph import Graph

# Where a spec declares no limit: what a plan is made for.
_ASSUMED_SECONDS = 10.0
_ASSUMED_COUNT = 100


def longest(graph: Graph) -> dict[str, int]:
    """Every symbol's size for one example of the longest kept length."""
    sizes = {"B": 1}
    for symbol in _bases_first(graph):
        if symbol.name in sizes:
            continue
        if symbol.definition is not None:
            sizes[symbol.name] = symbol.definition.value(sizes)
        elif symbol.maximum is not None:
            sizes[symbol.name] = symbol.maximum
        elif symbol.seconds:
            sizes[symbol.name] = round(_ASSUMED_SECONDS / symbol.seconds)
        else:
            sizes[symbol.name] = _ASSUMED_COUNT
    return sizes


def shortest(graph: Graph) -> dict[str, int]:
    """The same for the shortest kept example; symbols without a least size are left out."""
    sizes = {"B": 1}
    for symbol in _bases_first(graph):
        if symbol.name in sizes:
            continue
        if symbol.definition is not None and symbol.definition.symbols <= sizes.keys():
            sizes[symbol.name] = symbol.definition.value(sizes)
        elif symbol.definition is None and symbol.minimum is not None:
            sizes[symbol.name] = symbol.minimum
    return sizes


def longest_seconds(graph: Graph) -> float | None:
    """How long the longest example lasts; None where time is not measured in seconds."""
    sizes = longest(graph)
    for symbol in graph.symbols:
        if symbol.seconds and symbol.definition is None:
            return sizes[symbol.name] * symbol.seconds
    return None


def _bases_first(graph: Graph) -> list[Symbolic]:
    return sorted(graph.symbols, key=lambda symbol: symbol.definition is not None)
