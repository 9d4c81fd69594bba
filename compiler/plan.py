"""The plan of a model: shapes, sizes, cost, reach and memory, before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..dsl.values import PartValue, Ref
from .derive_step import Step, StepNode, carried_numbers, derive_step, step_macs
from .export_form import for_export
from .graph import CheckedGraph, Graph, Node
from .longest import longest, longest_seconds
from .loss_scaling import Scaling, scaling
from .memory import Memory, export_bytes, memory, precision_of
from .passes.count_cost import ITEM_BYTES
from .precisions import has_masters, stored, weight_numbers
from .provenance import Value, statics
from .receptive_field import field_of
from .step_form import Carried

VERSION = 1


@dataclass(frozen=True)
class Row:
    """One line: the nodes of one copy of a block, or of one statement."""

    path: str
    what: str
    output: str
    parameters: int
    macs: int


@dataclass(frozen=True)
class Reach:
    """The receptive field of the logits, and how far apart two of them are; seconds are None without a frame rate."""

    frames: int
    seconds: float | None
    step_seconds: float | None


@dataclass(frozen=True)
class Kept:
    """A tensor that a decoder's steps carry along: its shape, and its bytes for one row at the data's limits.

    bytes_a_token  how many more for each token of the target so far
    """

    name: str
    shape: str
    bytes: int
    bytes_a_token: int = 0


@dataclass(frozen=True)
class StepPlan:
    """A decoder's own cost: what a search pays for each token of each row.

    token  the stream that a step reads one token of
    macs   of one step, on average over the longest target; what is computed once is not counted
    once   computed once for each row, before its first step
    state  goes from step to step
    """

    token: str
    macs: int
    once: tuple[Kept, ...]
    state: tuple[Kept, ...]


@dataclass(frozen=True)
class Plan:
    """What `s2sc plan` shows.

    longest_seconds  length of the example that macs are counted for; `longest` its size in symbols
    values           how many values come from "spec", "default", "profile", "set" …
    """

    name: str
    edition: int
    spec_hash: str
    architecture_hash: str
    values: Mapping[str, int]
    rows: tuple[Row, ...]
    longest: Mapping[str, int]
    longest_seconds: float | None
    precision: str
    reach: Reach | None
    memory: Memory
    exports: Mapping[str, int]
    notes: tuple[str, ...]
    step: StepPlan | None = None

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """For platforms; `version` changes when a meaning does."""
        content = asdict(self)
        content["memory"]["total"] = self.memory.total
        return {"format": "s2sc.plan", "version": VERSION, **content, "parameters": self.parameters, "macs": self.macs}

    def to_text(self) -> str:
        """Aligned for a terminal."""
        return "\n".join(_lines(self)) + "\n"


def plan(checked: CheckedGraph) -> Plan:
    """Plan a checked graph."""
    graph = checked.graph
    return Plan(
        name=graph.name,
        edition=graph.edition,
        spec_hash=graph.origins.spec_hash,
        architecture_hash=checked.architecture_hash,
        values=_values(graph),
        rows=tuple(_rows(graph)),
        longest=longest(graph),
        longest_seconds=longest_seconds(graph),
        precision=precision_of(graph),
        reach=_reach(graph),
        memory=memory(graph),
        exports={label: _export_bytes(checked, label) for label in graph.exports},
        notes=tuple(_notes(graph)),
        step=_step(graph),
    )


# ---------------------------------------------------------------- facts


def _rows(graph: Graph) -> Iterator[Row]:
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        groups.setdefault(_group(node, graph), []).append(node)
    for path, nodes in groups.items():
        written = [node for node in nodes if not node.derived] or nodes
        last = nodes[-1] if nodes[-1].operation.name == "class_mask" else written[-1]
        yield Row(
            path=path,
            what=_what(written, graph),
            output=str(next(iter(last.outputs.values()))),
            parameters=sum(node.cost.parameters for node in nodes),
            macs=sum(node.cost.macs for node in nodes),
        )


def _group(node: Node, graph: Graph) -> str:
    path = node.path
    if node.derived and path.rpartition(".")[0] in graph.nodes:
        path = path.rpartition(".")[0]
    return path.rpartition(".")[0] or path


def _what(nodes: list[Node], graph: Graph) -> str:
    reached = graph.origins.of(nodes[0].path).reached
    if len(nodes) > 1 and reached:
        return reached[-1]
    names = list(dict.fromkeys(node.operation.name for node in nodes))
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} … {names[-1]}"


def _logits(graph: Graph) -> Ref | None:
    """What the loss reads first."""
    if graph.loss is None or graph.loss.path not in graph.nodes:
        return None
    return next(graph.nodes[graph.loss.path].refs(), None)


def _reach(graph: Graph) -> Reach | None:
    logits = _logits(graph)
    field = field_of(graph, logits) if logits is not None else None
    if field is None:
        return None
    seconds = next((symbol.seconds for symbol in graph.symbols if symbol.definition is not None), None)
    if seconds is None:
        return Reach(field.frames, None, None)
    return Reach(field.frames, round(field.frames * seconds, 6), round(float(field.step) * seconds, 6))


def _step(graph: Graph) -> StepPlan | None:
    """The step of the decoder that the search feeds, or of the one that the loss trains where there is no search."""
    logits = _logits(graph)
    if graph.steps and graph.infer is not None:
        (logits,) = graph.nodes[graph.infer.path].inputs["x"]
    step: Step | None = None if logits is None else derive_step(graph, logits)[0]
    if step is None:
        return None
    sizes = longest(graph)

    def kept(found: Mapping[str, tuple[StepNode, Carried]]) -> tuple[Kept, ...]:
        return tuple(_kept(name, *one, sizes) for name, one in found.items())

    return StepPlan(step.token, step_macs(step, graph, sizes), kept(step.once()), kept(step.state()))


def _kept(name: str, one: StepNode, carried: Carried, sizes: Mapping[str, int]) -> Kept:
    numbers, more = carried_numbers(carried, sizes)
    item = {"fp32": 4, "int64": 8, "bool": 1}.get(carried.dtype) or ITEM_BYTES[one.node.compute]
    shape = ", ".join(["B", *map(str, carried.shape)])
    return Kept(name, f"[{shape}]", numbers * item, more * item)


def _export_bytes(checked: CheckedGraph, label: str) -> int:
    export = checked.graph.exports[label]
    precision = getattr(export, "precision", None)
    return export_bytes(for_export(checked, label).graph, "fp32" if precision is None else precision.name)


def _notes(graph: Graph) -> Iterator[str]:
    yield from graph.notes
    nodes = graph.nodes.values()
    if any(node.compute in ("fp16", "bf16") for node in nodes):
        kept = [
            name
            for name, families in (
                ("features", ("feature",)),
                ("softmax", ()),
                ("loss", ("loss",)),
                ("search", ("search",)),
            )
            if any(
                node.operation.family in families or (name == "softmax" and node.operation.name == "log_softmax")
                for node in nodes
            )
        ]
        if any(node.operation.name in ("batch_norm", "layer_norm") for node in nodes):
            kept.append("normalisation statistics")
        yield f"{_listed(kept)} kept fp32"
    yield from _stored(graph)
    if graph.hyperparameters.values()["strategy"] == "fsdp":
        yield "fsdp: weights, gradients, masters and optimizer are those of all devices together"
    regularizer = getattr(graph.hyperparameters, "regularizer", None)
    if regularizer is not None:
        left_out = [
            words
            for words, name in (("biases", "biases"), ("norm scales", "norms"))
            if not regularizer.values().get(name, True)
        ]
        if left_out:
            yield f"{regularizer.name} leaves out {_listed(left_out)}"


def _stored(graph: Graph) -> Iterator[str]:
    """What training holds in half, and how the loss is scaled."""
    held = stored(graph)
    if held:
        dtype = next(iter(held.values()))
        numbers = weight_numbers(graph)
        halves = sum(numbers[path] for path in held)
        masters = "with" if has_masters(graph) else "without"
        rest = sum(numbers.values()) - halves
        kept = f", {counted(rest)} fp32" if rest else ""
        yield f"{counted(halves)} weights stored {dtype} {masters} float32 masters{kept}"
    scale = scaling(graph)
    if scale is not None:
        yield f"loss scale {_scale(scale)}"


def _scale(scale: Scaling) -> str:
    first, least, largest = (_rounded(bound.value) for bound in (scale.first, scale.least, scale.largest))
    return f"{first}, always" if least == largest else f"by {scale.name} from {first}, within {least} to {largest}"


def _rounded(number: float) -> str:
    return counted(round(number)) if number >= 100 else f"{number:g}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _values(graph: Graph) -> dict[str, int]:
    """How many values come from where; a written value counts once, however often it is used."""
    origins = graph.origins
    written: dict[object, str] = {}
    defaults = 0
    roots: list[Value] = [part for part in (origins.data, origins.hyperparameters) if isinstance(part, PartValue)]
    roots += list(origins.exports.values())
    for node in origins.nodes.values():
        roots += list(node.params.values())
    for root in roots:
        for static in statics(root):
            for source in static.sources():
                if source.origin.kind == "default":
                    defaults += 1
                elif source.origin.span is not None:
                    written[source.origin.span.start, source.origin.span.end, id(source.origin.span.source)] = (
                        source.origin.kind
                    )
    return {**Counter(written.values()), "default": defaults} if roots else {}


# ---------------------------------------------------------------- text


def _lines(made: Plan) -> Iterator[str]:
    head = [made.name, f"edition {made.edition}"]
    if made.spec_hash:
        head.append(f"spec {made.spec_hash[:4]}…")
    head.append(f"architecture {made.architecture_hash[:4]}…")
    counts = [f"{count} values from {kind}" for kind, count in sorted(made.values.items()) if kind != "default"]
    if made.values:
        counts.append(f"{made.values.get('default', 0)} defaults")
    yield "   ".join(head) + (f"   ({', '.join(counts)})" if counts else "")
    yield from _table(made)
    if made.reach is not None:
        reach = made.reach
        seconds = f" = {reach.seconds:g} s" if reach.seconds is not None else ""
        step = f"     one label every {reach.step_seconds * 1000:g} ms" if reach.step_seconds is not None else ""
        yield f" receptive field {reach.frames} frames{seconds}{step}"
    yield f" memory at batch {made.memory.batch}: {_memory(made)}"
    if made.step is not None:
        yield from _step_lines(made.step)
    if made.notes:
        yield f" notes: {'; '.join(made.notes)}"


def _table(made: Plan) -> Iterator[str]:
    length = f"/{made.longest_seconds:g}s" if made.longest_seconds else ""
    rows = [("node", "", "output", "params", f"GMAC{length}")]
    rows += [
        (
            row.path,
            row.what,
            row.output,
            counted(row.parameters) if row.parameters else "",
            _giga(row.macs) if row.macs else "",
        )
        for row in made.rows
    ]
    rows.append(("total", "", "", counted(made.parameters), _giga(made.macs)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        left = "   ".join(cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True))
        right = "   ".join(cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True))
        yield f" {left}   {right}".rstrip()


def _step_lines(step: StepPlan) -> Iterator[str]:
    fixed, growing = sum(kept.bytes for kept in step.state), sum(kept.bytes_a_token for kept in step.state)
    state = [sized(fixed)] if fixed else []
    state += [f"{sized(growing)} for each token so far"] if growing else []
    yield (
        f" step: one token of {step.token} takes {_mega(step.macs)} MMAC a row; "
        f"state {' and '.join(state) or 'none'}; computed once {sized(sum(kept.bytes for kept in step.once))}"
    )
    rows = [("once", kept) for kept in step.once] + [("state", kept) for kept in step.state]
    widths = [
        max((len(text) for text in column), default=0)
        for column in ([k.name for _, k in rows], [k.shape for _, k in rows])
    ]
    for what, kept in rows:
        size = f"{sized(kept.bytes_a_token)} a token" if kept.bytes_a_token else sized(kept.bytes)
        yield f"   {what:<5}   {kept.name:<{widths[0]}}   {kept.shape:<{widths[1]}}   {size}"


def _mega(number: int) -> str:
    return f"{number / 1e6:.2f}" if number >= 5_000 else "<0.01"


def _memory(made: Plan) -> str:
    parts = made.memory
    pieces = [
        f"weights {sized(parts.weights)}",
        f"gradients {sized(parts.gradients)}",
    ]
    if parts.masters:
        pieces.append(f"float32 masters with gradients {sized(parts.masters)}")
    pieces.append(f"optimizer {sized(parts.optimizer)}")
    if parts.half_weights:
        pieces.append(f"{made.precision} copies of weights {sized(parts.half_weights)}")
    pieces.append(f"activations {sized(parts.activations)}")
    if parts.recomputed:
        pieces.append(f"recomputed {sized(parts.recomputed)}")
    pieces += [
        f"working space {sized(parts.working)}",
        f"together {sized(parts.total)}",
    ]
    exports = "".join(f"; {label} export {sized(size)}" for label, size in made.exports.items())
    return ", ".join(pieces) + exports


def counted(number: int) -> str:
    """`106 499 360`."""
    return f"{number:,}".replace(",", " ")


def _giga(number: int) -> str:
    return f"{number / 1e9:.2f}" if number >= 5_000_000 else "<0.01"


def sized(number: int) -> str:
    """`213 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 1000 * size else f"{number / size:.0f} {unit}"
    return f"{number} B"
