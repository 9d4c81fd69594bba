"""The longest inputs that every operation of a graph has places for."""

from __future__ import annotations

from bisect import bisect_right

from .dim import Dim
from .graph import Graph, Node

# Longer than any input: where the search for the longest that fits ends.
_ENDLESS = 1 << 40


def most_lengths(graph: Graph) -> dict[str, int]:
    """The longest sequence of each raw stream that all operations can read, by path; streams without one are left out.

    A learned encoding of places has a row for each place and none for those behind (`Component.most_places`).
    """
    found: dict[str, int] = {}
    for node in graph.nodes.values():
        most = node.operation.most_places()
        for time in times_read(node, graph) if most is not None else ():
            time = _in_bases(time, graph)
            if len(time.symbols) != 1:
                continue
            (symbol,) = time.symbols
            longest = _longest(time, symbol, most or 0)
            found[symbol] = min(longest, found.get(symbol, longest))
    streams = {path: given.time for path, given in graph.inputs.items() if given.is_seq}
    return {path: found[str(time)] for path, time in streams.items() if str(time) in found}


def times_read(node: Node, graph: Graph) -> tuple[Dim, ...]:
    """The lengths of the sequences that a node reads."""
    types = (graph.type_of(ref) for ref in node.refs() if not ref.lengths)
    return tuple(given.time for given in types if given is not None and given.is_seq)


def _in_bases(time: Dim, graph: Graph) -> Dim:
    """A length in the symbols that nothing defines."""
    return time.substitute({one.name: one.definition for one in graph.symbols if one.definition is not None})


def _longest(time: Dim, symbol: str, most: int) -> int:
    """The largest size of a symbol at which a length, which grows with it, is no more than `most`."""
    return max(0, bisect_right(range(_ENDLESS), most, key=lambda size: time.value({symbol: size})) - 1)
