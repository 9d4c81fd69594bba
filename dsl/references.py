"""The names that an expression mentions."""

from __future__ import annotations

from collections.abc import Iterator

from . import syntax


def names_in(expression: syntax.Expression) -> Iterator[str]:
    """All bare names in an expression, in no certain order; names of arguments and attributes are none of them."""
    stack: list[object] = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Name):
            yield node.name
        else:
            stack.extend(_children(node))


def free_names(expression: syntax.Expression) -> Iterator[syntax.Name]:
    """The same with their places, in the order of the text, and without those that a `repeat … as` brings."""
    stack: list[tuple[object, frozenset[str]]] = [(expression, frozenset())]
    while stack:
        node, brought = stack.pop()
        if isinstance(node, syntax.Name):
            if node.name not in brought:
                yield node
            continue
        inner = brought
        if isinstance(node, syntax.Repeat) and node.index is not None:
            inner = brought | {node.index}
        stack.extend((child, inner) for child in reversed(_children(node)))


def _children(node: object) -> tuple[object, ...]:
    match node:
        case syntax.Attribute(value=value):
            return (value,)
        case syntax.Argument(value=value):
            return (value,)
        case syntax.Call(function=function, arguments=arguments):
            return (function, *arguments)
        case syntax.ListLiteral(items=items) | syntax.Tuple(items=items):
            return items
        case syntax.Unary(operand=operand):
            return (operand,)
        case syntax.Binary(left=left, right=right) | syntax.Pipe(left=left, right=right):
            return (left, right)
        case syntax.RangeLiteral(low=low, high=high):
            return (low, high)
        case syntax.If(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case syntax.Repeat(count=count, body=body):
            return (count, body)
    return ()
