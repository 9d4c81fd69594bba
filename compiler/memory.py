"""How much memory a training step takes, by formula."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ..dsl.values import Quantity, Ref
from .graph import Graph, Node
from .longest import longest, longest_seconds
from .optimizer import Optimizer
from .passes.assign_precision import half_of
from .passes.count_cost import ITEM_BYTES
from .precisions import has_masters, stored, weight_numbers
from .recompute import runs, segments


@dataclass(frozen=True)
class Memory:
    """Bytes of one training step at a batch of the longest examples.

    weights, gradients   one number for each parameter, in what the model stores it
    masters        float32 copies of weights stored in half, with their float32 gradients
    optimizer      what it keeps for each number that it updates
    half_weights   copies of float32 weights that half-precision operations make and keep until the backward pass
    activations    tensors kept for the backward pass, casts and masks included, each once
    recomputed     tensors of the largest segment that is computed again, alive while its backward pass runs
    working        the largest operation's inputs and outputs with their gradients, alive at the peak

    Not counted: Python, torch and its libraries, and freed memory that the allocator keeps.
    """

    batch: int
    weights: int
    gradients: int
    masters: int
    optimizer: int
    half_weights: int
    activations: int
    recomputed: int
    working: int

    @property
    def total(self) -> int:
        held = self.weights + self.gradients + self.masters + self.optimizer + self.half_weights
        return held + self.activations + self.recomputed + self.working


def memory(graph: Graph) -> Memory:
    """The estimate for a checked graph at its own batch."""
    batch = batch_examples(graph)
    held = stored(graph)
    numbers = weight_numbers(graph)
    halves = sum(numbers[path] for path in held)
    weights = sum(count * ITEM_BYTES[held.get(path, "fp32")] for path, count in numbers.items())
    masters = halves if has_masters(graph) else 0
    updated = weights + (4 - ITEM_BYTES["fp16"]) * masters
    trained = _trained(graph)
    segment = _segments(graph, trained)
    always = [node for node in trained if node.path not in segment]
    kept = {ref for node in always for ref in _saved(node, graph)} | _read_from_outside(graph, segment)
    scratch = sum(_scratch(node, graph, batch) for node in always)
    optimizer: Optimizer = graph.hyperparameters.values()["optimizer"]
    return Memory(
        batch=batch,
        weights=weights,
        gradients=weights,
        masters=(4 + 4) * masters,
        optimizer=updated * optimizer.kept_numbers(),
        half_weights=_half_weights(always, held),
        activations=sum(_bytes(ref, graph, batch) for ref in kept) + scratch,
        recomputed=max((_again(nodes, kept, held, graph, batch) for nodes in _together(trained, segment)), default=0),
        working=max((_working(node, graph, batch) for node in trained), default=0),
    )


def batch_examples(graph: Graph) -> int:
    """How many of the longest examples make a batch."""
    batch: Quantity = graph.hyperparameters.values()["batch"]
    if batch.family == "examples":
        return max(1, int(batch.amount))
    sizes = longest(graph)
    seconds = longest_seconds(graph)
    if batch.family == "time" and seconds:
        return max(1, int(batch.amount / seconds))
    # a row counts as its longer side
    return max(1, int(batch.amount // max(sizes.get("S", 1), sizes.get("U", 1), 1)))


def export_bytes(graph: Graph, precision: str) -> int:
    """Size of the exported weights: half where the operation tolerates it."""
    half = ITEM_BYTES[precision]
    return sum(
        node.cost.parameters * (half if node.operation.precision == "half" else 4) for node in graph.nodes.values()
    )


def precision_of(graph: Graph) -> str:
    """What "half" operations compute in while training."""
    return half_of(graph.hyperparameters.values()["precision"])


def _trained(graph: Graph) -> list[Node]:
    """Nodes that the loss depends on and that a gradient passes through."""
    needed = graph.needed_for([graph.loss]) if graph.loss is not None else dict(graph.nodes)
    with_gradient: set[str] = set()
    for path, node in needed.items():
        if node.cost.parameters or node.weights != path or any(ref.path in with_gradient for ref in node.refs()):
            with_gradient.add(path)
    return [node for path, node in needed.items() if path in with_gradient]


def _segments(graph: Graph, trained: Sequence[Node]) -> dict[str, int]:
    """The piece that computes each node a second time, by number."""
    order = runs((node.path for node in trained), segments(graph))
    return {path: number for number, (name, found) in enumerate(order) if name is not None for path in found}


def _read_from_outside(graph: Graph, segment: Mapping[str, int]) -> set[Ref]:
    """What segments are computed from again."""
    return {
        _stored(ref, graph)
        for path, number in segment.items()
        for ref in graph.nodes[path].refs()
        if segment.get(ref.path) != number and not ref.lengths
    }


def _together(trained: Sequence[Node], segment: Mapping[str, int]) -> list[list[Node]]:
    found: dict[int, list[Node]] = {}
    for node in trained:
        if node.path in segment:
            found.setdefault(segment[node.path], []).append(node)
    return list(found.values())


def _again(nodes: Sequence[Node], kept: Collection[Ref], held: Mapping[str, str], graph: Graph, batch: int) -> int:
    saved = {ref for node in nodes for ref in _saved(node, graph)} - set(kept)
    scratch = sum(_scratch(node, graph, batch) for node in nodes)
    return sum(_bytes(ref, graph, batch) for ref in saved) + scratch + _half_weights(nodes, held)


def _half_weights(nodes: Sequence[Node], held: Mapping[str, str]) -> int:
    return sum(
        node.cost.parameters * ITEM_BYTES[node.compute]
        for node in nodes
        if node.compute in ("fp16", "bf16") and node.operation.precision == "half" and node.weights not in held
    )


def _saved(node: Node, graph: Graph) -> Iterator[Ref]:
    """The tensors that the backward pass of a node needs."""
    saves = node.operation.saves
    for name, refs in node.inputs.items():
        if saves is None or name in saves:
            for ref in refs:
                yield _stored(ref, graph)
    for port in node.outputs:
        if saves is not None and port in saves:
            yield _stored(Ref(node.path, port), graph)


def _stored(ref: Ref, graph: Graph) -> Ref:
    """One name for one tensor."""
    node = graph.nodes.get(ref.path)
    return ref if node is None or ref.port else Ref(ref.path, next(iter(node.outputs)), ref.lengths)


def _bytes(ref: Ref, graph: Graph, batch: int) -> int:
    given = graph.type_of(ref)
    if given is None:
        return 0
    item = ITEM_BYTES[graph.dtype_of(ref)] if given.element == "real" else 8
    return prod(given.shape({**longest(graph), "B": batch})) * item


def _scratch(node: Node, graph: Graph, batch: int) -> int:
    sizes = {**longest(graph), "B": batch}
    inputs = {
        name: tuple(given.shape(sizes) for ref in refs if (given := graph.type_of(ref)) is not None)
        for name, refs in node.inputs.items()
    }
    outputs = {port: given.shape(sizes) for port, given in node.outputs.items()}
    return node.operation.scratch_bytes(inputs, outputs, ITEM_BYTES[node.compute])


def _working(node: Node, graph: Graph, batch: int) -> int:
    outputs = sum(_bytes(Ref(node.path, port), graph, batch) for port in node.outputs)
    return outputs + sum(_bytes(ref, graph, batch) for ref in node.refs())
