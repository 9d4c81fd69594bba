"""All nodes of a syntax tree, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from .source import Source, Span


def walk(nodes: Iterable[Any]) -> Iterator[Any]:
    """Every node below some nodes, and those themselves, in the order of the text; trees may be deep."""
    stack = [iter(nodes)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            # absent children were left out, so the iterator is used up
            stack.pop()
        elif isinstance(node, tuple):
            stack.append(iter([one for one in node if one is not None]))
        elif is_dataclass(node) and not isinstance(node, Span | Source):
            if hasattr(node, "span"):
                yield node
            children = (getattr(node, field.name) for field in fields(node))
            stack.append(iter([one for one in children if one is not None]))
