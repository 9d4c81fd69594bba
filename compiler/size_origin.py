"""Which node decides the size of an axis, and by which of its parameters or inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..dsl.syntax import Binary, Expression, Name, TypeExpression
from ..dsl.values import Ref
from .graph import Graph, Node
from .part import Mismatch
from .signatures import signature_of
from .tensor_type import TensorType


@dataclass(frozen=True)
class Decided:
    """How an axis gets its size.

    stream  the raw stream that brings it; then there is no node
    node    the last node that changed it, by `params`, or by the sizes of `inputs` where it has no such parameters
    """

    stream: str = ""
    node: Node | None = None
    params: tuple[str, ...] = ()
    inputs: tuple[tuple[Ref, int], ...] = ()


def size_origin(graph: Graph, ref: Ref, axis: int) -> Decided | None:
    """Go back from an axis (counted from 0) to what decides it; None where that is not known."""
    for _ in range(len(graph.nodes) + 1):
        if ref.path in graph.inputs:
            return Decided(stream=ref.path)
        node, given = graph.nodes[ref.path], graph.type_of(ref)
        if given is None:
            return None
        port = ref.port or next(iter(node.outputs), "")
        before = _same_time(graph, node, given, axis)
        params = () if before is not None else tuple(_deciding(graph, node, port, axis))
        if params:
            return Decided(node=node, params=params)
        before = before or _same_axis(graph, node, port, given, axis)
        if before is None:
            return Decided(node=node, inputs=tuple(_summed(graph, node, port, axis)))
        ref, axis = before
    return None


def _deciding(graph: Graph, node: Node, port: str, axis: int) -> Iterator[str]:
    """The parameters without which the axis would have another size: written in the signature, or found by trying."""
    given = node.outputs[port]
    expression = _axis(signature_of(node.operation).results.get(port), given.rank, axis)
    names = {param.name for param in node.operation.params}
    written = [name for name in _names(expression) if name in names]
    yield from written
    if written:
        return
    inputs = {name: tuple(_types(graph, refs)) for name, refs in node.inputs.items()}
    for name, value in node.operation.values().items():
        if not isinstance(value, int):
            continue
        try:
            found = node.operation.changed(**{name: not value if isinstance(value, bool) else 2 * value}).infer(inputs)
        except Mismatch:
            continue
        if found and port in found and found[port].rank == given.rank and found[port].axes[axis] != given.axes[axis]:
            yield name


def _same_time(graph: Graph, node: Node, given: TensorType, axis: int) -> tuple[Ref, int] | None:
    """The first input, where an operation leaves as many frames as there were."""
    if not given.is_seq or axis != 1:
        return None
    first = next(node.refs(), None)
    before = None if first is None else graph.type_of(first)
    if first is None or before is None or not before.is_seq or before.axes[1].dim != given.axes[1].dim:
        return None
    return first, 1


def _same_axis(graph: Graph, node: Node, port: str, given: TensorType, axis: int) -> tuple[Ref, int] | None:
    """The input whose axis it is, by the letters of the signature, or by its place where `..` stands for it."""
    signature = signature_of(node.operation)
    expression = _axis(signature.results.get(port), given.rank, axis)
    letter = expression.name if isinstance(expression, Name) else ""
    for typed in signature.inputs:
        for ref in node.inputs.get(typed.name, ()):
            type_ = graph.type_of(ref)
            if type_ is None:
                continue
            for index in range(type_.rank):
                here = _axis(typed.type, type_.rank, index)
                if letter == "_" or type_.axes[index].dim != given.axes[axis].dim:
                    continue
                if letter and isinstance(here, Name) and here.name == letter:
                    return ref, index
                if not letter and here is None and index == axis:
                    return ref, index
    return None


def _summed(graph: Graph, node: Node, port: str, axis: int) -> Iterator[tuple[Ref, int]]:
    """The axes of inputs without which the axis would have another size, found by trying."""
    given = node.outputs[port].axes[axis]
    for name, refs in node.inputs.items():
        for index, ref in enumerate(refs):
            type_ = graph.type_of(ref)
            if type_ is None:
                continue
            for place, one in enumerate(type_.axes):
                axes = (*type_.axes[:place], replace(one, dim=one.dim + 1), *type_.axes[place + 1 :])
                inputs = {other: tuple(_types(graph, others)) for other, others in node.inputs.items()}
                changed = (*inputs[name][:index], replace(type_, axes=axes), *inputs[name][index + 1 :])
                try:
                    found = node.operation.infer({**inputs, name: changed})
                except Mismatch:
                    continue
                if found and port in found and axis < found[port].rank and found[port].axes[axis] != given:
                    yield ref, place


def _types(graph: Graph, refs: tuple[Ref, ...]) -> Iterator[TensorType]:
    yield from (found for ref in refs if (found := graph.type_of(ref)) is not None)


def _axis(type_: TypeExpression | None, rank: int, axis: int) -> Expression | None:
    """What a signature writes for an axis; None where `..` or nothing does."""
    if type_ is None or not type_.axes:
        return None
    # `..` stands for any leading axes: count from the end
    index = axis - rank
    if index < -len(type_.axes):
        return None
    found = type_.axes[index]
    return None if isinstance(found, Name) and found.name == ".." else found


def _names(expression: Expression | None) -> list[str]:
    if isinstance(expression, Name):
        return [expression.name]
    if isinstance(expression, Binary):
        return _names(expression.left) + _names(expression.right)
    return []
