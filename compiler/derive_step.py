"""The derivation of a decoder's one-token step from its teacher-forced graph over the whole target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..dsl.values import Ref
from .component import Mismatch
from .graph import Graph, Node
from .step_form import PLAIN, ROOM, Carried, StepForm
from .tensor_type import TensorType


@dataclass(frozen=True)
class StepNode:
    """A node that works once for each target token.

    node     reads what it reads in the graph, past what does nothing in a step (masks, dropout)
    stepped  its inputs that come token by token; the others are there from the start
    """

    node: Node
    stepped: frozenset[str]
    form: StepForm


@dataclass(frozen=True)
class Step:
    """A decoder's step.

    token   the stream of which each step reads one token ("data.target.shifted")
    logits  what a step gives
    nodes   what a step runs, by path, in order
    """

    token: str
    logits: Ref
    nodes: Mapping[str, StepNode]

    @property
    def begins(self) -> tuple[StepNode, ...]:
        """Nodes that compute something from the whole inputs before the first step."""
        return tuple(one for one in self.nodes.values() if one.form.once or one.form.given)

    @property
    def most_tokens(self) -> int | None:
        """How many tokens its nodes have places for; None: no end."""
        places = (one.node.operation.most_places() for one in self.nodes.values())
        return min((most for most in places if most is not None), default=None)

    @property
    def whole(self) -> tuple[Ref, ...]:
        """The tensors that do not depend on the target and are read by the steps' nodes, each once."""
        refs = (
            ref
            for one in self.nodes.values()
            for name, group in one.node.inputs.items()
            if name not in one.stepped
            for ref in group
        )
        return tuple(dict.fromkeys(refs))

    def once(self) -> dict[str, tuple[StepNode, Carried]]:
        """What is computed before the first step, by name ("decoder.att.cross_attention.keys")."""
        return {f"{path}.{kept.name}": (one, kept) for path, one in self.nodes.items() for kept in one.form.once}

    def state(self) -> dict[str, tuple[StepNode, Carried]]:
        """What goes from step to step, by name."""
        return {f"{path}.{kept.name}": (one, kept) for path, one in self.nodes.items() for kept in one.form.state}

    def given(self) -> frozenset[str]:
        """The names of the state whose first value is computed; all others start as zeros."""
        return frozenset(f"{path}.{name}" for path, one in self.nodes.items() for name in one.form.given)


@dataclass(frozen=True)
class Refusal:
    """Why there is no step: a node, and what is wrong with it."""

    path: str
    mismatch: Mismatch


def derive_step(graph: Graph, logits: Ref) -> tuple[Step | None, tuple[Refusal, ...]]:
    """Derive the step that gives `logits` token by token, or say of each node in its way why it has none.

    Walks from the logits back to the shifted target. None and no refusals: the logits do not depend on it.
    Masks and what acts in training only have no part in a step: its one token is real.
    """
    token = graph.shifted
    needed = graph.needed_for([logits])
    if token is None or not (any(_reads(node, token) for node in needed.values()) or logits.path == token):
        return None, ()
    skipped = {path: node for path, node in needed.items() if node.operation.training_only or _is_mask(node)}

    def kept(ref: Ref) -> Ref:
        while ref.path in skipped:
            source = next(skipped[ref.path].refs())
            ref = replace(source, lengths=ref.lengths or source.lengths)
        return ref

    stepped_paths = {token}
    nodes: dict[str, StepNode] = {}
    refusals: list[Refusal] = []
    for path, node in needed.items():
        if not any(ref.path in stepped_paths and not ref.lengths for ref in node.refs()):
            continue
        stepped_paths.add(path)
        if path in skipped:
            continue
        stepped = frozenset(
            name
            for name, refs in node.inputs.items()
            if any(ref.path in stepped_paths and not ref.lengths for ref in refs)
        )
        inputs = {name: refs if name not in stepped else tuple(map(kept, refs)) for name, refs in node.inputs.items()}
        try:
            form = _form(node, graph, stepped, token)
        except Mismatch as mismatch:
            refusals.append(Refusal(path, mismatch))
            form = PLAIN
        nodes[path] = StepNode(replace(node, inputs=inputs), stepped, form)
    if refusals:
        return None, tuple(refusals)
    return Step(token, kept(logits), nodes), ()


def _form(node: Node, graph: Graph, stepped: frozenset[str], token: str) -> StepForm:
    """The node's step form; raises Mismatch."""
    operation = node.operation
    if not node.outputs:
        return PLAIN  # its types are unknown because of an error that is reported elsewhere
    form = operation.step_form(input_types(node, graph), stepped)
    for name in stepped:
        for ref, given in zip(node.inputs[name], input_types(node, graph)[name], strict=True):
            if not given.is_seq:
                source = graph.nodes[ref.path].operation.name
                why = (
                    f"{operation.name} reads `{ref.port}` of {source}, which is there behind the last target token only"
                )
                raise operation.looks_ahead(why)
    time = graph.inputs[token].time
    # the first on the way is at fault, not what reads it
    kept_time = all(given.time == time for name in stepped for given in input_types(node, graph)[name] if given.is_seq)
    for given in node.outputs.values():
        if kept_time and given.is_seq and given.time != time:
            raise operation.looks_ahead(f"{operation.name} does not give one result for each target token")
    whole = [name for name, refs in node.inputs.items() if refs and name not in stepped]
    if form.is_plain and whole:
        raise operation.looks_ahead(
            f"{operation.name} has no step form for `{whole[0]}`, which does not depend on the target"
        )
    return form


def input_types(node: Node, graph: Graph) -> dict[str, tuple[TensorType, ...]]:
    """Types by input."""
    return {
        name: tuple(given for ref in refs if (given := graph.type_of(ref)) is not None)
        for name, refs in node.inputs.items()
    }


def reads_targets(graph: Graph, ref: Ref) -> tuple[Node, str] | None:
    """The first node before `ref` that reads a stream of targets which is not shifted, and that stream."""
    for node in graph.needed_for([ref]).values():
        for read in node.refs():
            if read.path in graph.targets and read.path != graph.shifted:
                return node, read.path
    return None


def step_macs(step: Step, graph: Graph, sizes: Mapping[str, int]) -> int:
    """Multiply-accumulates of one step, on average over a target of `sizes`; what is computed once is not counted."""
    symbol = next(iter(graph.inputs[step.token].time.symbols))
    tokens = max(sizes[symbol], 1)
    return (_macs(step, graph, sizes) - _macs(step, graph, {**sizes, symbol: 0})) // tokens


def carried_numbers(kept: Carried, sizes: Mapping[str, int]) -> tuple[int, int]:
    """How many numbers a carried tensor holds for one row, and how many more for each token of room."""

    def count(room: int) -> int:
        return math.prod(dim.value({**sizes, ROOM: room}) for dim in kept.shape)

    return count(0), count(1) - count(0)


def _macs(step: Step, graph: Graph, sizes: Mapping[str, int]) -> int:
    total = 0
    for one in step.nodes.values():
        inputs = {
            name: tuple(given.shape(sizes) for given in types) for name, types in input_types(one.node, graph).items()
        }
        outputs = {port: given.shape(sizes) for port, given in one.node.outputs.items()}
        total += one.node.operation.macs(inputs, outputs)
    return total


def _reads(node: Node, stream: str) -> bool:
    return any(ref.path == stream and not ref.lengths for ref in node.refs())


def _is_mask(node: Node) -> bool:
    return node.derived and node.operation.name == "mask"
