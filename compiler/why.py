"""Why a value is what it is: who says it, the operations that it went through, and what it shadows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..dsl import syntax
from ..dsl.escapes import clipped, visible
from ..dsl.source import Span
from ..dsl.suggest import did_you_mean, listing
from ..dsl.values import ModuleReference, OriginKind, PartValue, Ref, Static
from .catalogue import builtin
from .front import Analysis
from .graph import Graph
from .provenance import Value, inside
from .size_origin import size_origin
from .text_index import TextIndex
from .written import written

VERSION = 1
COMMAND_LINE = "<command line>"
_MOST_LINKS = 100
_MOST_HOPS = 64
_MOST_TEXT = 60
_MOST_DEPTH = 3


class UnknownPath(ValueError):
    """A path that names nothing of the model, and the one that was probably meant."""


@dataclass(frozen=True)
class Link:
    """One hop on the way from a value to what was written.

    value  as a spec would write it
    text   what stands there: "d / 2", "let d = 512", "lstm has bidirectional = false"
    said   who says it: "spec", "default", "imported", "profile", "set"
    by     the name of the profile, the flag, or what declares the default
    place  "model.s2s:5:9", or empty for a default
    """

    value: str
    text: str
    said: OriginKind
    by: str = ""
    place: str = ""
    links: tuple[Link, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Without what is empty."""
        found: dict[str, Any] = {"value": self.value, "text": self.text, "from": self.said}
        found |= {"by": self.by} if self.by else {}
        found |= {"place": self.place} if self.place else {}
        return found | ({"of": [link.to_json() for link in self.links]} if self.links else {})


@dataclass(frozen=True)
class Why:
    """The answer for one path.

    value   what is there: a value as a spec would write it, or a tensor's type
    link    where that comes from; None for a tensor, of which `parts` say where the sizes come from
    shadows what would be there if this were not, strongest first
    """

    path: str
    value: str
    link: Link | None = None
    shadows: tuple[Link, ...] = ()
    parts: tuple[Why, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For platforms."""
        return {"format": "s2sc.why", "version": VERSION, **self._content()}

    def _content(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": self.path, "value": self.value}
        found |= {"from": self.link.said, "chain": self.link.to_json()} if self.link else {}
        found["shadows"] = [link.to_json() for link in self.shadows]
        return found | ({"sizes": [part._content() for part in self.parts]} if self.parts else {})

    def to_text(self) -> str:
        """Aligned for a terminal."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self, indent: str = "") -> Iterator[str]:
        yield visible(f"{indent}{self.path}{': ' if self.link is None else ' = '}{self.value}")
        rows: list[tuple[str, str, str]] = []
        if self.link is not None:
            rows += _rows(self.link, "  ")
        for link in self.shadows:
            first, *others = _rows(link, "  ")
            rows.append((f"  shadows {first[0].strip()}", *first[1:]))
            rows += [(f"  {value}", text, place) for value, text, place in others]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        for value, text, place in rows:
            yield f"{indent}{value:<{widths[0]}}   {text:<{widths[1]}}   {place}".rstrip()
        for part in self.parts:
            yield from part._lines(indent + "  ")


def _rows(link: Link, indent: str) -> list[tuple[str, str, str]]:
    who = {"default": "default", "imported": "", "spec": "", "profile": "", "set": link.by}[link.said]
    if link.said == "profile" and link.by and not link.links:
        who = f"profile {link.by}"
    rows = [(indent + visible(link.value), visible(link.text), visible("   ".join(filter(None, (link.place, who)))))]
    for inner in link.links:
        rows += _rows(inner, indent + "  ")
    return rows


def why(analyses: Sequence[Analysis], path: str) -> Why:
    """Answer for one path of a spec.

    analyses  of the same spec with ever fewer layers: all; without `--set`; without `--set` and profiles

    Raises UnknownPath.
    """
    graph = _graph(analyses[0])
    assert graph is not None
    found = _find(graph, path)
    if isinstance(found, Ref):
        return _tensor(graph, path, found)
    if found is None:
        known = [*_paths(graph)]
        helps = did_you_mean(path, known, preferred=[])
        below = [one for one in known if one.startswith(f"{path}.")]
        if below and not helps:
            helps = (f"it has {listing(one.removeprefix(f'{path}.') for one in below)}",)
        raise UnknownPath(f"nothing is called `{clipped(path)}`" + (f"; {helps[0]}" if helps else ""))
    return _value(graph, path, found, [other for one in analyses[1:] if (other := _graph(one)) is not None])


def _graph(analysis: Analysis) -> Graph | None:
    return analysis.checked.graph if analysis.checked is not None else analysis.graph


# ---------------------------------------------------------------- paths


@dataclass(frozen=True)
class _Bound:
    """A value with what it belongs to: the part or component, the place of that, and the parameter's name."""

    value: Value
    owner: str = ""
    span: Span | None = None
    name: str = ""


def _find(graph: Graph, path: str) -> _Bound | Ref | None:
    if path in graph.origins.lets:
        return _Bound(graph.origins.lets[path])
    if path in graph.names:
        return graph.names[path]
    if path in graph.nodes or path in graph.inputs:
        return Ref(path)
    outer, _, port = path.rpartition(".")
    node = graph.nodes.get(graph.names[outer].path if outer in graph.names else outer)
    if node is not None and port in node.outputs:
        return Ref(node.path, port)
    return _bound(graph, path)


def _bound(graph: Graph, path: str) -> _Bound | None:
    for prefix, root in _roots(graph):
        if path == prefix and isinstance(root, PartValue):
            return _Bound(root)
        if not path.startswith(f"{prefix}."):
            continue
        found: _Bound | None = None
        holder: Any = root
        for name in path.removeprefix(f"{prefix}.").split("."):
            if isinstance(holder, PartValue | _Params) and name in holder.params:
                found = _Bound(holder.params[name], holder.name, holder.span, name)
            elif isinstance(holder, Static) and isinstance(holder.value, tuple) and _is_index(name, holder.value):
                found = _Bound(holder.value[int(name)])
            else:
                found = None
                break
            holder = found.value
        if found is not None:
            return found
    return None


def _is_index(name: str, items: tuple[Any, ...]) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(items)


@dataclass(frozen=True)
class _Params:
    """The parameters of a node, as a part has them."""

    name: str
    params: Any
    span: Span | None


def _roots(graph: Graph) -> Iterator[tuple[str, PartValue | Static | _Params]]:
    origins = graph.origins
    for name, value in (("data", origins.data), ("hyperparameters", origins.hyperparameters)):
        if value is not None:
            yield name, value
    for label, export in origins.exports.items():
        yield f"export.{label}", export
    yield from origins.lets.items()
    for path, origin in origins.nodes.items():
        if path in graph.nodes:
            yield path, _Params(graph.nodes[path].operation.name, origin.params, origin.span)


def _paths(graph: Graph) -> Iterator[str]:
    yield from graph.names
    for prefix, root in _roots(graph):
        stack: list[tuple[str, Any]] = [(prefix, root)]
        while stack:
            path, value = stack.pop()
            yield path
            if isinstance(value, PartValue | _Params):
                stack.extend((f"{path}.{name}", inner) for name, inner in value.params.items())


# ---------------------------------------------------------------- one value


def _value(graph: Graph, path: str, found: _Bound, weaker: Sequence[Graph]) -> Why:
    chain = _Chain(graph)
    link = chain.of(found)
    shadows: list[Link] = list(chain.passed)
    before = [link, *shadows]
    for other in weaker:
        shadowed = _find(other, path)
        if not isinstance(shadowed, _Bound):
            continue
        below = _Chain(other)
        one = below.of(shadowed)
        if _same(one, before[-1]) or any(_same(one, known) for known in before):
            continue
        before.append(one)
        shadows.append(one)
    default = _declared(found)
    if default is not None and before[-1].said != "default":
        shadows.append(default)
    return Why(path, link.value, link, tuple(shadows))


def _same(one: Link, other: Link) -> bool:
    return (one.said, one.by, one.place, one.text) == (other.said, other.by, other.place, other.text)


def _declared(found: _Bound) -> Link | None:
    """The default of a parameter; None where it has none."""
    signature = builtin().part_class(found.owner) if found.owner else None
    if signature is None:
        return None
    param = next((one for one in signature.params if one.name == found.name), None)
    if param is None or param.required or "section" in param.families:
        return None
    return _default(found.owner, found.name, written(param.default, param))


def _default(owner: str, name: str, value: str) -> Link:
    return Link(value, f"{owner} has {name} = {value}", "default", owner)


@dataclass
class _Chain:
    """The way back from one value through names and operations.

    passed  defaults of blocks' parameters that were given something else
    """

    graph: Graph
    passed: list[Link] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _num: int = 0

    def __post_init__(self) -> None:
        self.index = TextIndex(self.graph.origins.sources)

    def of(self, found: _Bound) -> Link:
        value = found.value
        if isinstance(value, ModuleReference):
            return self._written(value.weights, value.span, "spec")
        origin = value.origin
        if origin.kind == "default" and origin.span is None:
            param = None
            if found.owner:
                params = builtin().part_class(found.owner).params
                param = next((one for one in params if one.name == found.name), None)
            return _default(found.owner or origin.owner.rpartition(".")[0], found.name, written(value, param))
        if isinstance(value, PartValue):
            return self._part(found, value)
        use = self._use(found, value)
        if use is not None and use.span != value.origin.span:
            return self._through(use, value)
        return self._static(value)

    def _part(self, found: _Bound, value: PartValue) -> Link:
        inner = []
        for name, param in value.params.items():
            if isinstance(param, Static) and param.origin.kind == "default":
                continue
            link = self.of(_Bound(param, value.name, value.span, name))
            inner.append(replace(link, text=f"{name} = {link.text}", links=()))
        link = self._written(written(value), value.span, value.origin.kind)
        return replace(link, links=tuple(inner))

    def _use(self, found: _Bound, value: Static) -> syntax.Expression | None:
        """The expression that a parameter was given where it stands, if it is not the value itself."""
        if found.span is None or value.origin.span is None:
            return None
        named = self.index.argument(found.span, found.name)
        candidates = [named] if named is not None else self.index.positional(found.span)
        overrides = self._override_at(value.origin.span)
        for one in candidates:
            if overrides:
                # the value is said elsewhere: it comes here through a name that was overridden, or replaces all of this
                lets = [hop.name for hop in self._hops(one) if isinstance(hop, syntax.Let)]
                passes = any(isinstance(hop, syntax.Parameter) for hop in self._hops(one))
                if overrides in lets or (passes and overrides in self.graph.origins.lets):
                    return one
            elif named is not None or one.span == value.origin.span or self._leads_to(one, value):
                return one
        return None

    def _leads_to(self, expression: syntax.Expression, value: Static) -> bool:
        hops = list(self._hops(expression))
        if hops and (isinstance(hops[-1], syntax.Parameter) or hops[-1].value.span == value.origin.span):
            return True
        return bool(value.operation) and expression.span.text == value.operation

    def _override_at(self, span: Span) -> str:
        """The path that a profile or `--set` sets with the expression at a place; empty if neither does."""
        if span.source.name == COMMAND_LINE:
            return span.source.shown.partition("=")[0].strip()
        around = [node for node in self.index.around(span) if isinstance(node, syntax.Assign | syntax.Section)]
        sections = [node for node in around if isinstance(node, syntax.Section)]
        if not sections or sections[-1].kind != "profile" or not isinstance(around[0], syntax.Assign):
            return ""
        if around[0].value.span != span:
            return ""
        outer = [part for one in reversed(sections[:-1]) for part in (one.kind, one.label) if part]
        return ".".join([*outer, around[0].name])

    def _hops(self, expression: syntax.Expression) -> Iterator[syntax.Let | syntax.Parameter]:
        """The names that a bare name stands for, one after the other."""
        for _ in range(_MOST_HOPS):
            if not isinstance(expression, syntax.Name):
                return
            hop = self._meaning(expression)
            if hop is None:
                return
            yield hop
            if isinstance(hop, syntax.Parameter):
                return
            expression = hop.value

    def _meaning(self, name: syntax.Name) -> syntax.Let | syntax.Parameter | None:
        for node in self.index.around(name.span):
            if isinstance(node, syntax.Block):
                inner: list[syntax.Let | syntax.Parameter] = [*node.parameters]
                inner += [one for one in node.body if isinstance(one, syntax.Let)]
                found = next((one for one in inner if one.name == name.name), None)
                if found is not None:
                    return found
        return self.index.let(name.name, name.span.source)

    def _through(self, use: syntax.Expression, value: Static, *, shown: bool = True) -> Link:
        """The use of a value (if that is to be shown), the names that it went through, and what was written."""
        assert value.origin.span is not None
        hops: list[tuple[str, Span]] = [(_text(use.span), use.span)] if shown else []
        for hop in self._hops(use):
            if isinstance(hop, syntax.Let):
                if hop.name == self._override_at(value.origin.span) or inside(value.origin.span, hop.span):
                    break
                hops.append((_text(hop.span), hop.span))
            else:
                hops.append(self._parameter(hop, value))
        link = self._static(value)
        if hops and link.text == hops[-1][0]:
            link = replace(link, place=_place(hops.pop()[1]))
        for text, span in reversed(hops):
            link = Link(link.value, text, value.origin.kind, "", _place(span), (link,))
        return link

    def _parameter(self, hop: syntax.Parameter, value: Static) -> tuple[str, Span]:
        block = next(node for node in self.index.around(hop.span) if isinstance(node, syntax.Block))
        given = hop.default is None or not inside(value.origin.span, hop.default.span)
        if hop.default is not None and given:
            kind: OriginKind = "spec" if hop.span.source is self.graph.origins.sources[0] else "imported"
            text = f"default of `{hop.name}` of block {block.name}"
            self.passed.append(Link(_text(hop.default.span), text, kind, "", _place(hop.default.span)))
        return f"`{hop.name}` of block {block.name}", hop.span

    def _static(self, value: Static) -> Link:
        shown = written(value)
        span = value.origin.span
        if span is None:
            return Link(shown, f"{value.origin.owner} has this", "default", value.origin.owner)
        link = self._written(shown, span, value.origin.kind)
        self._num += 1
        if id(value) in self._seen or self._num > _MOST_LINKS:
            return replace(link, text=f"{link.text} …") if value.operands else link
        self._seen.add(id(value))
        if isinstance(value.value, tuple) and not value.operands:
            return link
        if value.operation.startswith("data."):
            return replace(link, text=value.operation, links=self._data_parts(value.operation))
        uses = _operands(self.index.expression(span), len(value.operands))
        links = [
            self._static(one) if use is None else self._through(use, one, shown=False)
            for use, one in zip(uses, value.operands, strict=True)
            if one.origin.kind != "default"
        ]
        return replace(link, links=tuple(links))

    def _data_parts(self, fact: str) -> tuple[Link, ...]:
        """The parts of the data section that a fact of a stream is of: all where its name does not say."""
        data = self.graph.origins.data
        if data is None:
            return ()
        parts = {name: one for name, one in data.params.items() if isinstance(one, PartValue)}
        named = fact.split(".")[1]
        parts = {named: parts[named]} if named in parts else parts
        return tuple(
            replace(link, text=f"{name} = {link.text.removeprefix(f'{name} = ')}")
            for name, one in parts.items()
            for link in [self.of(_Bound(one, data.name, data.span, name))]
        )

    def _written(self, value: str, span: Span, kind: OriginKind) -> Link:
        """What is written at a place, with the statement that it is all of, and who says it."""
        around = self.index.around(span)
        text = _text(span)
        statement = around[0] if around else None
        if isinstance(statement, syntax.Let | syntax.Assign) and statement.value.span == span:
            text = _text(statement.span)
        elif isinstance(statement, syntax.Table):
            text = f"{text} in {_cell(statement, span)}"
        elif isinstance(statement, syntax.Parameter) and kind != "set":
            text = f"default {_text(statement.span)}"
        by = ""
        if span.source.name == COMMAND_LINE:
            return Link(value, " ".join((span.source.shown or text).split()), "set", "--set", "")
        if kind == "profile":
            sections = [node for node in around if isinstance(node, syntax.Section) and node.kind == "profile"]
            by = (sections[-1].label or "") if sections else ""
        return Link(value, text, kind, by, _place(span))


def _operands(expression: syntax.Expression | None, number: int) -> Sequence[syntax.Expression | None]:
    """The expressions of an operation's operands, as far as they are names; None where they are not."""
    found: list[syntax.Expression] = []
    if isinstance(expression, syntax.Binary):
        found = [expression.left, expression.right]
    elif isinstance(expression, syntax.Unary):
        found = [expression.operand]
    elif isinstance(expression, syntax.RangeLiteral):
        found = [expression.low, expression.high]
    elif isinstance(expression, syntax.Call):
        found = [argument.value for argument in expression.arguments]
    if len(found) != number:
        return [None] * number
    return [one if isinstance(one, syntax.Name) else None for one in found]


def _cell(table: syntax.Table, span: Span) -> str:
    for number, row in enumerate(table.rows):
        for column, cell in zip(table.columns, row, strict=False):
            if inside(span, cell.span):
                return f"row {number}, column {column.name} of table {table.name}"
    return f"table {table.name}"


def _text(span: Span) -> str:
    text = " ".join(span.text.split())
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}:{span.column}"


# ---------------------------------------------------------------- a tensor


def _tensor(graph: Graph, path: str, ref: Ref) -> Why:
    """Where the sizes of a tensor come from, axis by axis."""
    given = graph.type_of(ref)
    if given is None:
        return Why(path, "unknown")
    parts = tuple(_size(graph, path, ref, axis) for axis in range(given.rank))
    return Why(path, str(given), parts=parts)


def _size(graph: Graph, path: str, ref: Ref, axis: int, depth: int = 0) -> Why:
    given = graph.type_of(ref)
    decided = size_origin(graph, ref, axis)
    if given is None or decided is None:
        return Why(path, "unknown")
    one = given.axes[axis]
    name = f"{path}[{one.name or axis}]"
    if decided.node is None:
        symbol = next((symbol for symbol in graph.symbols if symbol.name == str(one.dim)), None)
        return Why(name, ", ".join(filter(None, (str(one.dim), f"of {decided.stream}", (symbol and symbol.doc) or ""))))
    node = decided.node
    origin = graph.origins.of(node.path)
    known = [name for name in decided.params if name in origin.params]
    inner = [
        _value(graph, f"{node.path}.{name}", _Bound(origin.params[name], node.operation.name, origin.span, name), ())
        for name in known
    ]
    if not inner and depth < _MOST_DEPTH:
        inner = [_size(graph, _tensor_name(source), source, index, depth + 1) for source, index in decided.inputs]
    place = f" at {_place(origin.span)}" if origin.span is not None else ""
    return Why(name, f"{one.dim}, by {node.path}{place}", parts=tuple(inner))


def _tensor_name(ref: Ref) -> str:
    return ".".join(filter(None, (ref.path, ref.port)))
