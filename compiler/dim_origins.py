"""Where the size of an axis comes from: back through the graph to the number in the text."""

from __future__ import annotations

from ..dsl.diagnostics import Label
from ..dsl.source import Span
from ..dsl.syntax import Binary, Expression, Name
from ..dsl.values import Ref, Static
from .graph import Graph, Node
from .provenance import labels_of, span_of
from .signatures import signature_of
from .tensor_type import TensorType


def labels_of_axis(graph: Graph, ref: Ref, axis: int, *, besides: Span | None) -> tuple[Label, ...]:
    """Labels at the numbers that decide the size of an axis, and at the operation that applies them."""
    given = graph.type_of(ref)
    node = _deciding_node(graph, ref, axis)
    if given is None or node is None:
        return ()
    decided = given.axes[min(axis, given.rank - 1)]
    text = f"{decided.dim} {decided.name} come from here"
    if not decided.dim.is_known:
        text = f"{decided.name} is {decided.dim} from here on"
    origin = graph.origins.of(node.path)
    found: list[Label] = []
    for parameter in _params(node, axis, given.rank):
        value = origin.params.get(parameter)
        span = span_of(value)
        if isinstance(value, Static) and not value.operands and span is not None:
            found.append(Label(span, text))
        elif isinstance(value, Static) and span is not None and not value.operation.startswith("data."):
            found.append(Label(span, text))
            found.extend(labels_of(value, besides=span, text=f"{decided.dim} is computed from this"))
            continue
        found.extend(labels_of(value, besides=None, text=text))
    if not found and origin.span is not None and origin.span != besides:
        found.append(Label(origin.span, text))
    unique = list(dict.fromkeys(found))
    return tuple(label for label in unique if label.span != besides)


def _deciding_node(graph: Graph, ref: Ref, axis: int) -> Node | None:
    """The last node that changed the axis."""
    node = graph.nodes.get(ref.path)
    while node is not None:
        here = graph.type_of(ref)
        source = _same_axis(graph, node, here, axis)
        if source is None:
            return node
        ref = source
        node = graph.nodes.get(ref.path)
    return None


def _same_axis(graph: Graph, node: Node, here: TensorType | None, axis: int) -> Ref | None:
    """An input whose axis of that number has the same size."""
    if here is None:
        return None
    if _params(node, axis, here.rank):
        return None
    for ref in node.refs():
        given = graph.type_of(ref)
        if given is not None and given.rank == here.rank and given.axes[axis].dim == here.axes[axis].dim:
            return ref
    return None


def _params(node: Node, axis: int, rank: int) -> list[str]:
    """The parameters that the signature writes for an axis of the first result."""
    results = signature_of(node.operation).results
    first = next(iter(results.values()))
    axes = first.axes if first is not None else None
    # `..` stands for any leading axes: count from the end
    index = axis - rank
    if not axes or not -len(axes) <= index < 0:
        return []
    return [name for name in _names(axes[index]) if any(one.name == name for one in node.operation.params)]


def _names(expression: Expression) -> list[str]:
    if isinstance(expression, Name):
        return [expression.name]
    if isinstance(expression, Binary):
        return _names(expression.left) + _names(expression.right)
    return []
