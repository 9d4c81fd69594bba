"""What two versions of a model differ in: values, nodes, cost, and whether the old one's checkpoints still load."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..dsl.escapes import visible
from ..dsl.suggest import listing
from ..dsl.values import ModuleReference
from .graph import CheckedGraph, Graph, Node
from .part import Part
from .plan import Plan, counted, plan, sized
from .provenance import Value, span_of
from .settings import bound
from .written import written

VERSION = 1
_MOST_LISTED = 20
_MOST_NAMED = 4


@dataclass(frozen=True)
class Side:
    """One of two versions; `name` is how it was asked for, `prefix` stands before the places in it ("HEAD~1:")."""

    name: str
    checked: CheckedGraph
    prefix: str = ""


@dataclass(frozen=True)
class Said:
    """A value as a spec would write it, who says it (empty for a graph without its text) and where."""

    value: str
    said: str = ""
    place: str = ""


@dataclass(frozen=True)
class ValueChange:
    """A value that is another one now, that is new (`before` is None) or gone (`after` is None)."""

    path: str
    before: Said | None
    after: Said | None


@dataclass(frozen=True)
class NodeChange:
    """A node that was added (`before` is empty), removed (`after` is empty) or renamed, with its component."""

    before: str
    after: str
    component: str


@dataclass(frozen=True)
class Figure:
    """A number or a word of the plan, before and after."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Checkpoints:
    """Whether a checkpoint of the old version can be put into the new one.

    load       "yes"; "partly": some weights have no place or another shape; "no": none has one
    resume     whether --resume goes on with it: the architecture is the same
    fit        weights with the same path and shape, of `before` there were and `after` there are
    lost       weights of the old one that the new one has no place for
    fresh      weights of the new one that the old one does not have
    reshaped   weights of another shape, with both
    notes      what else a new start would mean
    """

    load: str
    resume: bool
    fit: int
    before: int
    after: int
    lost: tuple[str, ...]
    fresh: tuple[str, ...]
    reshaped: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What `s2sc plan --against` shows."""

    before: str
    after: str
    same_text: bool
    architecture: tuple[str, str]
    values: tuple[ValueChange, ...]
    nodes: tuple[NodeChange, ...]
    figures: tuple[Figure, ...]
    checkpoints: Checkpoints

    @property
    def is_empty(self) -> bool:
        """Whether both mean the same."""
        changed = any(figure.before != figure.after for figure in self.figures)
        return not (self.values or self.nodes or changed) and self.architecture[0] == self.architecture[1]

    def to_json(self) -> dict[str, Any]:
        """For platforms; `version` changes when a meaning does."""
        return {"format": "s2sc.difference", "version": VERSION, "same": self.is_empty, **asdict(self)}

    def to_text(self) -> str:
        """Aligned for a terminal."""
        return "\n".join(visible(line) for line in _lines(self)) + "\n"


def difference(before: Side, after: Side) -> Difference:
    """Compare two checked graphs."""
    old, new = before.checked.graph, after.checked.graph
    nodes = tuple(_nodes(old, new))
    hashes = (old.origins.spec_hash, new.origins.spec_hash)
    return Difference(
        before=before.name,
        after=after.name,
        same_text=bool(hashes[0]) and hashes[0] == hashes[1],
        architecture=(before.checked.architecture_hash, after.checked.architecture_hash),
        values=tuple(_values(before, after, nodes)),
        nodes=nodes,
        figures=tuple(_figures(plan(before.checked), plan(after.checked))),
        checkpoints=_checkpoints(before.checked, after.checked, nodes),
    )


# ---------------------------------------------------------------- values


def _values(before: Side, after: Side, nodes: Sequence[NodeChange]) -> Iterator[ValueChange]:
    # a name that only one of them has says nothing that what is computed from it does not say
    lets = before.checked.graph.origins.lets.keys() & after.checked.graph.origins.lets.keys()
    old, new = dict(_said(before, lets)), dict(_said(after, lets))
    moved = {change.before: change.after for change in nodes if change.before and change.after}
    only = {change.before or change.after for change in nodes if not (change.before and change.after)}
    old = {(moved.get(owner, owner), name): found for (owner, name), found in old.items()}
    other_parts: list[str] = []
    for owner, name in dict.fromkeys((*new, *old)):
        path = ".".join(filter(None, (owner, name)))
        if owner in only or any(path.startswith(f"{part}.") for part in other_parts):
            continue
        (was, said_was), (now, said_now) = old.get((owner, name), _NOTHING), new.get((owner, name), _NOTHING)
        if was != now:
            other_parts.append(path)
            yield ValueChange(path, said_was, said_now)


_NOTHING: tuple[str, Said | None] = ("", None)


def _said(side: Side, lets: Collection[str]) -> Iterator[tuple[tuple[str, str], tuple[str, Said | None]]]:
    """Everything that a spec can say, by what it belongs to and its name there: what is compared, and what is shown."""
    graph = side.checked.graph
    yield ("", "edition"), (str(graph.edition), Said(str(graph.edition)))
    for name in sorted(lets):
        value = graph.origins.lets[name]
        text = written(value)
        yield ("", name), (text, _one(side, text, value))
    sections = {"data": graph.data, "hyperparameters": graph.hyperparameters}
    sections |= {f"export.{label}": part for label, part in graph.exports.items()}
    for section, part in sections.items():
        yield (section, ""), (part.name, _one(side, part.name, bound(graph, section)))
        for path, key, text in _flat(part, ""):
            yield (section, path), (key, _one(side, text, bound(graph, f"{section}.{path}")))
    for path, node in graph.nodes.items():
        if node.derived or path.startswith("data."):
            continue
        params = graph.origins.of(path).params
        for name, key, text in _flat(node.operation, ""):
            yield (path, name), (key, _one(side, text, params.get(name)))


def _flat(part: Part, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Each parameter of a part: its path, what is compared (of a part its name; its own follow) and what is shown."""
    declared = {param.name: param for param in part.params}
    for name, value in part.values().items():
        if isinstance(value, Part):
            yield prefix + name, value.name, written(value)
            yield from _flat(value, f"{prefix}{name}.")
        else:
            text = written(value, declared[name])
            yield prefix + name, text, text


def _one(side: Side, text: str, value: Value | None) -> Said:
    span = span_of(value)
    kind = "" if value is None else "spec" if isinstance(value, ModuleReference) else value.origin.kind
    if span is None or not span.source.num_lines or span.source.name.startswith("<"):
        return Said(text, kind)
    return Said(text, kind, f"{side.prefix}{span.source.name}:{span.line}:{span.column}")


# ---------------------------------------------------------------- nodes


def _nodes(old: Graph, new: Graph) -> Iterator[NodeChange]:
    """Added, removed and renamed nodes; a renamed one is of the same component and parameters, in the same order."""
    removed = [node for path, node in old.nodes.items() if path not in new.nodes and not node.derived]
    added = [node for path, node in new.nodes.items() if path not in old.nodes and not node.derived]
    renamed: dict[str, Node] = {}
    for alike in (_exactly, _component):
        _pair(removed, added, renamed, alike)
    for node in removed:
        other = renamed.get(node.path)
        yield NodeChange(node.path, other.path if other else "", node.operation.name)
    taken = {node.path for node in renamed.values()}
    yield from (NodeChange("", node.path, node.operation.name) for node in added if node.path not in taken)
    for path, node in old.nodes.items():
        other = new.nodes.get(path)
        if other is not None and other.operation.name != node.operation.name:
            yield NodeChange(path, "", node.operation.name)
            yield NodeChange("", path, other.operation.name)


def _pair(
    removed: Sequence[Node], added: Sequence[Node], renamed: dict[str, Node], alike: Callable[[Node], object]
) -> None:
    """Take nodes that are alike for the same under another name, if there are as many of them on both sides."""
    taken = {node.path for node in renamed.values()}
    groups: dict[object, tuple[list[Node], list[Node]]] = {}
    for index, nodes in enumerate((removed, added)):
        for node in nodes:
            if node.path not in renamed and node.path not in taken:
                groups.setdefault(alike(node), ([], []))[index].append(node)
    for before, after in groups.values():
        if len(before) == len(after):
            renamed.update({one.path: other for one, other in zip(before, after, strict=True)})


def _exactly(node: Node) -> object:
    params = {name: value for name, value in node.operation.values().items() if name != "tie"}
    return node.operation.name, repr(params), tuple(str(given) for given in node.outputs.values())


def _component(node: Node) -> object:
    return node.operation.name


# ---------------------------------------------------------------- figures


def _figures(old: Plan, new: Plan) -> Iterator[Figure]:
    yield Figure("parameters", old.parameters, new.parameters)
    yield Figure("macs", old.macs, new.macs)
    if old.step is not None or new.step is not None:
        yield Figure("macs_a_token", *(None if made.step is None else made.step.macs for made in (old, new)))
    yield Figure("batch", old.memory.batch, new.memory.batch)
    yield Figure("memory_bytes", old.memory.total, new.memory.total)
    frames = [None if made.reach is None else made.reach.frames for made in (old, new)]
    yield Figure("receptive_field_frames", *frames)
    yield Figure("precision", old.precision, new.precision)
    for label in dict.fromkeys((*old.exports, *new.exports)):
        yield Figure(f"{label}_export_bytes", old.exports.get(label), new.exports.get(label))


# ---------------------------------------------------------------- checkpoints


def weights_of(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The trained tensors of a model by their path in a checkpoint, with their shapes."""
    found: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes.values():
        types = {
            name: tuple(type_ for ref in refs if (type_ := graph.type_of(ref)) is not None)
            for name, refs in node.inputs.items()
        }
        for name, shape in node.operation.weights(types).items():
            found[f"{node.weights}.{name}"] = tuple(shape)
    return found


def _checkpoints(old: CheckedGraph, new: CheckedGraph, nodes: Sequence[NodeChange]) -> Checkpoints:
    before, after = weights_of(old.graph), weights_of(new.graph)
    fit = [path for path, shape in before.items() if after.get(path) == shape]
    lost = tuple(path for path in before if path not in after)
    fresh = tuple(path for path in after if path not in before)
    reshaped = {path: (shape, after[path]) for path, shape in before.items() if after.get(path, shape) != shape}
    whole = not (lost or fresh or reshaped)
    resume = old.architecture_hash == new.architecture_hash
    notes = []
    parts = [graph.hyperparameters.values()["optimizer"] for graph in (old.graph, new.graph)]
    optimizers = [str(part.values().get("kind", part.name)) for part in parts]
    if resume and optimizers[0] != optimizers[1]:
        resume = False
        notes.append(f"{optimizers[0]} kept what {optimizers[1]} cannot go on with: --resume refuses, a new run starts")
    elif whole and not resume:
        notes.append("they would mean something else: the architecture is another one, so --resume refuses")
    moved = {change.before: change.after for change in nodes if change.before and change.after}
    elsewhere = sum(after.get(_renamed(path, moved)) == before[path] for path in lost)
    if elsewhere:
        notes.append(f"{elsewhere} weights are there under another name")
    load = "yes" if whole else "partly" if fit else "no"
    return Checkpoints(load, resume, len(fit), len(before), len(after), lost, fresh, reshaped, tuple(notes))


def _renamed(path: str, moved: Mapping[str, str]) -> str:
    node, _, weight = path.rpartition(".")
    return f"{moved.get(node, node)}.{weight}"


# ---------------------------------------------------------------- text


def _lines(made: Difference) -> Iterator[str]:
    yield f"{made.after} against {made.before}"
    if made.is_empty:
        yield f" {'the same text' if made.same_text else 'the same meaning: only the text differs'}"
    if made.values:
        yield " values"
        yield from _value_lines(made.values)
    if made.nodes:
        yield " nodes"
        yield from _cut([_node_line(change) for change in made.nodes])
    rows = [row for figure in made.figures if (row := _figure(figure)) is not None]
    rows.append(("architecture", _hashes(*made.architecture)))
    rows.append(("checkpoints", _load(made.checkpoints)))
    width = max(len(name) for name, _ in rows)
    yield from (f" {name:<{width}}   {text}" for name, text in rows)
    yield from (f"   {line}" for line in _checkpoint_lines(made.checkpoints))


def _value_lines(changes: Sequence[ValueChange]) -> Iterator[str]:
    """A line for each change; the same one of several copies once."""
    groups: dict[object, list[ValueChange]] = {}
    for change in changes:
        copies = change.path.rpartition(".")[2] if "." in change.path else change.path
        groups.setdefault((copies, change.before, change.after), []).append(change)
    rows = []
    for change, *others in groups.values():
        more = f" (and {len(others)} more)" if others else ""
        rows.append((f"{change.path}{more}", _said_text(change.before), _said_text(change.after)))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    yield from _cut([f"{path:<{widths[0]}}   {was:<{widths[1]}}   ->   {now}" for path, was, now in rows])


def _said_text(said: Said | None) -> str:
    if said is None:
        return "nothing"
    return f"{said.value} ({said.place or said.said})" if said.place or said.said else said.value


def _node_line(change: NodeChange) -> str:
    if change.before and change.after:
        return f"renamed {change.before} -> {change.after}   {change.component}"
    if change.before:
        return f"removed {change.before}   {change.component}"
    return f"added   {change.after}   {change.component}"


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"   {line}" for line in lines[:_MOST_LISTED])
    if len(lines) > _MOST_LISTED:
        yield f"   and {len(lines) - _MOST_LISTED} more"


_WORDS = {
    "parameters": "parameters",
    "macs": "MACs of the longest example",
    "macs_a_token": "MACs of a token",
    "batch": "examples in a batch",
    "memory_bytes": "memory of a training step",
    "receptive_field_frames": "receptive field",
    "precision": "precision",
}


def _figure(figure: Figure) -> tuple[str, str] | None:
    before, after = figure.before, figure.after
    if before is None and after is None:
        return None
    name = _WORDS.get(figure.name, figure.name.removesuffix("_bytes").replace("_", " "))
    was, now = (_shown(figure.name, one) for one in (before, after))
    if before == after:
        return name, f"{was}, as before"
    share = ""
    if isinstance(before, int) and isinstance(after, int) and before:
        share = f"   ({100 * (after - before) / before:+.1f} %)"
    return name, f"{was} -> {now}{share}"


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if name.endswith("_bytes"):
        return sized(value)
    if name == "receptive_field_frames":
        return f"{value} frames"
    return str(value) if isinstance(value, str) else counted(value)


def _hashes(before: str, after: str) -> str:
    return f"{before[:8]}…, as before" if before == after else f"{before[:8]}… -> {after[:8]}…"


def _load(found: Checkpoints) -> str:
    if found.load == "yes":
        return "old ones load, and --resume goes on with them" if found.resume else "the weights of old ones fit"
    if found.load == "no":
        return "old ones do not load: no weight has the same path and shape"
    return f"old ones load partly: {found.fit} of their {found.before} weights fit, and {found.after} are wanted"


def _checkpoint_lines(found: Checkpoints) -> Iterator[str]:
    yield from found.notes
    if found.load == "yes":
        return
    shapes = [f"{path} {_shape(was)} -> {_shape(now)}" for path, (was, now) in found.reshaped.items()]
    for what, paths in (("another shape", shapes), ("new", found.fresh), ("without a place", found.lost)):
        if paths:
            yield f"{what}: {listing(paths, _MOST_NAMED)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
