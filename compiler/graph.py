"""The model as a typed graph: nodes are components, edges are typed ports. networkx lives here only."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..dsl.source import Source, Span
from ..dsl.syntax import TypeExpression
from ..dsl.values import ModuleReference, PartValue, Ref, Static
from .component import Component
from .data_layer import SHIFTED, Symbolic
from .locked import Locked
from .part import Part
from .tensor_type import TensorType, lengths


@dataclass(frozen=True)
class Cost:
    """What one node costs.

    parameters        trained numbers (counted at the first use of shared weights)
    macs              multiply-accumulates of one forward pass over one example of the longest kept length
    activation_bytes  bytes of its outputs for that example
    """

    parameters: int = 0
    macs: int = 0
    activation_bytes: int = 0


@dataclass(frozen=True)
class Node:
    """One operation at a place in the spec.

    weights  path of its weights (another node's path where a module is shared)
    derived  put in by a pass (casts, masks): left out of the architecture and made again when graph.json is read
    outputs  types by port, once inferred
    compute  "fp32", "fp16", "bf16" or "tf32", once assigned; `gives` is the dtype of its real outputs
    clean    the padding of its outputs is zero
    """

    path: str
    operation: Component
    inputs: Mapping[str, tuple[Ref, ...]]
    weights: str
    derived: bool = False
    outputs: Mapping[str, TensorType] = field(default_factory=dict)
    compute: str = ""
    gives: str = ""
    clean: bool = False
    cost: Cost = Cost()

    def refs(self) -> Iterator[Ref]:
        """All inputs, flat."""
        for group in self.inputs.values():
            yield from group


@dataclass(frozen=True)
class NodeOrigin:
    """Where a node stands in the text: for diagnostics and graph.map.json, never for graph.json."""

    span: Span | None
    params: Mapping[str, Static | PartValue | ModuleReference] = field(default_factory=dict)
    reached: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypeClaim:
    """A type written in a block's signature, to hold for `ref` (see dsl.spec.Constraint)."""

    ref: Ref
    type: TypeExpression
    sizes: Mapping[str, int]
    scope: str
    what: str
    span: Span


@dataclass(frozen=True)
class Origins:
    """Everything that ties a graph to its text; empty for a graph that was read from graph.json.

    locked  the spec's lock and what differs from it, where there is one or data files were asked for
    """

    nodes: Mapping[str, NodeOrigin] = field(default_factory=dict)
    data: PartValue | None = None
    hyperparameters: PartValue | None = None
    exports: Mapping[str, PartValue] = field(default_factory=dict)
    lets: Mapping[str, Static | PartValue] = field(default_factory=dict)
    claims: tuple[TypeClaim, ...] = ()
    spec_hash: str = ""
    sources: tuple[Source, ...] = ()
    locked: Locked | None = None

    def of(self, path: str) -> NodeOrigin:
        """The origin of a node, or of the node that a derived one stands before."""
        while path and path not in self.nodes:
            path = path.rpartition(".")[0]
        return self.nodes.get(path, NodeOrigin(None))


@dataclass(frozen=True)
class Graph:
    """A whole model. Frozen: a pass returns a new one.

    inputs           raw streams by path
    targets          those of them that exist in training only
    nodes            by path, in a canonical topological order
    names            "decoder.logits" -> Ref, for every named tensor of a section
    loss, infer      the loss node and the search node's output (`decoder.infer`), if any
    data, hyperparameters, exports   settings as parts
    """

    name: str
    edition: int
    inputs: Mapping[str, TensorType]
    targets: tuple[str, ...]
    symbols: tuple[Symbolic, ...]
    nodes: Mapping[str, Node]
    names: Mapping[str, Ref]
    loss: Ref | None
    infer: Ref | None
    data: Part
    hyperparameters: Part
    exports: Mapping[str, Part]
    notes: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins, compare=False)

    @property
    def shifted(self) -> str | None:
        """The stream of target tokens that a decoder is fed, each at the place of the one that follows it."""
        return next((path for path in self.inputs if path.endswith(SHIFTED)), None)

    @property
    def steps(self) -> bool:
        """Whether the search chooses a target token by token, feeding each to the decoder."""
        return self.infer is not None and self.nodes[self.infer.path].operation.autoregressive

    def type_of(self, ref: Ref) -> TensorType | None:
        """The type of a tensor; None where it is not known (its node had an error)."""
        if ref.path in self.inputs:
            found: TensorType | None = self.inputs[ref.path]
        else:
            node = self.nodes[ref.path]
            found = node.outputs.get(ref.port or next(iter(node.outputs), ""))
        if found is not None and ref.lengths:
            return lengths(batch=found.axes[0].dim)
        return found

    def dtype_of(self, ref: Ref) -> str:
        """The dtype of a tensor, once precision is assigned: "fp32", "fp16", "bf16", or "int64"."""
        if ref.lengths:
            return "int64"
        if ref.path in self.inputs:
            return "int64" if self.inputs[ref.path].element == "index" else "fp32"
        return self.nodes[ref.path].gives

    def with_nodes(self, nodes: Iterable[Node], **changes: Any) -> Graph:
        """This graph with other nodes, put into canonical order."""
        return replace(self, nodes=ordered(nodes), **changes)

    def with_refs(self, change: Callable[[Ref], Ref]) -> Graph:
        """This graph with every tensor that is read, named or exported replaced; the nodes keep their order."""
        return replace(
            self,
            nodes={
                path: replace(node, inputs={name: tuple(map(change, refs)) for name, refs in node.inputs.items()})
                for path, node in self.nodes.items()
            },
            names={name: change(ref) for name, ref in self.names.items()},
            loss=self.loss and change(self.loss),
            infer=self.infer and change(self.infer),
            exports={label: part.with_refs(change) for label, part in self.exports.items()},
        )

    def before_derived(self, ref: Ref) -> Ref:
        """The tensor that the spec knows behind casts and masks that passes put in, with its port."""
        while ref.path in self.nodes and self.nodes[ref.path].derived:
            ref = replace(self.nodes[ref.path].inputs["x"][0], lengths=ref.lengths)
        if ref.path in self.nodes and not ref.port:
            ref = replace(ref, port=next(iter(self.nodes[ref.path].outputs), ""))
        return ref

    def users(self, path: str) -> list[Node]:
        """The nodes that read a node or an input."""
        return self._users.get(path, [])

    @cached_property
    def _users(self) -> dict[str, list[Node]]:
        users: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for path in {ref.path for ref in node.refs()}:
                users.setdefault(path, []).append(node)
        return users

    def needed_for(self, refs: Iterable[Ref]) -> dict[str, Node]:
        """The nodes that the given tensors depend on, in order."""
        needed: set[str] = set()
        stack = [ref.path for ref in refs]
        while stack:
            path = stack.pop()
            if path in needed or path not in self.nodes:
                continue
            needed.add(path)
            stack.extend(ref.path for ref in self.nodes[path].refs())
        return {path: node for path, node in self.nodes.items() if path in needed}


class TensorCycle(Exception):
    """The nodes of a cycle, hop by hop."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(" -> ".join(paths))
        self.paths = paths


def ordered(nodes: Iterable[Node]) -> dict[str, Node]:
    """Nodes by path in topological order, ties by path; the same whatever the order they came in."""
    by_path = {node.path: node for node in nodes}
    sources = {path: {ref.path for ref in node.refs() if ref.path in by_path} for path, node in by_path.items()}
    readers: dict[str, list[str]] = {path: [] for path in by_path}
    for path, read in sources.items():
        for source in read:
            readers[source].append(path)
    waiting = {path: len(read) for path, read in sources.items()}
    ready = [(_natural(path), path) for path, count in waiting.items() if not count]
    heapq.heapify(ready)
    order: dict[str, Node] = {}
    while ready:
        _, path = heapq.heappop(ready)
        order[path] = by_path[path]
        for reader in readers[path]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (_natural(reader), reader))
    if len(order) < len(by_path):
        raise TensorCycle(_cycle({path: read - order.keys() for path, read in sources.items() if path not in order}))
    return order


def _cycle(sources: Mapping[str, set[str]]) -> list[str]:
    """One circle among nodes that all read another of them, in the direction of the data."""
    # networkx takes a quarter of the time that a lint has; it is loaded for an error only
    import networkx

    network = networkx.DiGraph((source, path) for path in sorted(sources) for source in sorted(sources[path]))
    return [edge[0] for edge in networkx.find_cycle(network)]


def _natural(path: str) -> tuple[tuple[int, int | str], ...]:
    """`stack.10` after `stack.9`."""
    return tuple((0, int(piece)) if piece.isdigit() else (1, piece) for piece in path.split("."))


@dataclass(frozen=True)
class CheckedGraph:
    """A graph that passed every pass: types, precision and cost of every edge are known and there are no errors.

    Made by compiler.passes.seal only; lowering accepts nothing else.
    """

    graph: Graph
    architecture_hash: str
    _seal: object = field(repr=False, compare=False, default=None)
