"""What a spec has computed a second time, in the backward pass, rather than kept from the forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TypeVar

from .graph import Graph
from .path_patterns import matches

Item = TypeVar("Item")


def segments(graph: Graph) -> dict[str, str]:
    """The segment of each node that `hyperparameters.recompute` names: the repetition of a block, or what was named.

    A name that holds repeated blocks stands for each repetition in it, and for nothing else in it; one that holds none
    is a segment as a whole. `true` stands for all repetitions.
    """
    wanted: bool | tuple[str, ...] = graph.hyperparameters.values()["recompute"]
    found: dict[str, str] = {}
    for pattern in ("*",) if wanted is True else wanted or ():
        named = {path: place(path, pattern) for path in graph.nodes if is_candidate(path, pattern)}
        repeating = {repetition for repetition, repeats in named.values() if repeats}
        around = {".".join(names[:end]) for names in (one.split(".") for one in repeating) for end in range(len(names))}
        for path, (segment, repeats) in named.items():
            if repeats or (segment not in around and wanted is not True):
                found.setdefault(path, segment)
    return found


def is_candidate(path: str, pattern: str) -> bool:
    """Whether a pattern names a node whose result may be computed again: features of recordings are not."""
    return not path.startswith("data.") and matches(path, pattern)


def place(path: str, pattern: str) -> tuple[str, bool]:
    """The segment that a node has by a pattern that names it, and whether that is a repetition.

    encoder.h.3.linear by `encoder` or `encoder.h.*` is in encoder.h.3; by `encoder.*.*.linear` alone in itself.
    """
    names = path.split(".")
    end = pattern.count(".") + 1
    if not names[end - 1].isdigit():
        first = next((index for index in range(end, len(names)) if names[index].isdigit()), None)
        if first is None:
            return ".".join(names[:end]), False
        end = first
    while end < len(names) and names[end].isdigit():
        end += 1
    return ".".join(names[:end]), True


def runs(items: Iterable[Item], segment: Mapping[Item, str]) -> list[tuple[str | None, list[Item]]]:
    """Items in their order, cut where their segment changes; what is in none has None."""
    return [(name, list(found)) for name, found in groupby(items, segment.get)]
