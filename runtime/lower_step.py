"""Lowering of a decoder's step: what is computed once for a batch, and what each target token takes."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import fx, nn
from torch.fx.node import Argument

from ..compiler.derive_step import Step, StepNode, derive_step
from ..compiler.dim import Dim
from ..compiler.graph import CheckedGraph, Graph, Node
from ..compiler.passes.seal import is_sealed
from ..compiler.signatures import signature_of
from ..compiler.step_form import Carried
from ..dsl.values import Ref
from .layers.layer import LayerOf, Layout, layer_class
from .lower import DTYPES, Lowering, fx_name, types_of

TOKENS = "tokens"
POSITION = "position"
LOGITS = "logits"


@dataclass(frozen=True)
class CarriedTensor:
    """A tensor that the steps carry along: its name, its shape behind the batch axis, and its type in memory.

    argument  what the step's module calls it
    """

    name: str
    shape: tuple[Dim, ...]
    dtype: torch.dtype

    @property
    def argument(self) -> str:
        return fx_name(self.name)


@dataclass(frozen=True)
class LoweredStep:
    """A decoder that runs token by token; both modules share their layers with the model that they were made for.

    first  streams -> what is computed once: `once`, and of `state` what is `given`, by name
    takes  the arguments of `first`, in order
    step   (tokens [B, 1], position [], once…, state…) -> {"logits": [B, 1, V], and each new state by name};
           `arguments` are its arguments in order, those of carried tensors by the tensors' names
    once   does not change from step to step
    state  does; those that are not `given` start as zeros
    most_tokens  how many steps there are places for; None: no end
    """

    first: fx.GraphModule
    takes: tuple[str, ...]
    step: fx.GraphModule
    arguments: tuple[str, ...]
    once: tuple[CarriedTensor, ...]
    state: tuple[CarriedTensor, ...]
    given: frozenset[str]
    most_tokens: int | None = None


def lower_step(
    checked: CheckedGraph, modules: nn.Module | None = None, *, layer_of: LayerOf = layer_class
) -> LoweredStep:
    """Lower the step of the decoder that the search of a checked graph runs.

    modules   a lowered model of the same graph, whose layers are used; None makes layers with fresh weights
    layer_of  where the torch side of a component is found
    """
    assert is_sealed(checked), "only a checked graph is lowered"
    graph = checked.graph
    assert graph.infer is not None, "a step is derived for a search"
    (logits,) = graph.nodes[graph.infer.path].inputs["x"]
    step, refusals = derive_step(graph, logits)
    assert step is not None, [refusal.mismatch.message for refusal in refusals] or "the search has no decoder to feed"
    root = nn.Module() if modules is None else modules
    once = tuple(_carried(name, *found) for name, found in step.once().items())
    state = tuple(_carried(name, *found) for name, found in step.state().items())
    first = _first(graph, step, root, layer_of)
    module = _StepLowering(graph, root, layer_of=layer_of).run_step(step, (*once, *state))
    names = {kept.argument: kept.name for kept in (*once, *state)}
    return LoweredStep(
        first=first,
        takes=_placeholders(first),
        step=module,
        arguments=tuple(names.get(name, name) for name in _placeholders(module)),
        once=once,
        state=state,
        given=step.given(),
        most_tokens=step.most_tokens,
    )


def _carried(name: str, one: StepNode, kept: Carried) -> CarriedTensor:
    dtypes = {"int64": torch.int64, "bool": torch.bool, "fp32": torch.float32}
    dtype = DTYPES[one.node.compute] if kept.dtype == "compute" else dtypes[kept.dtype]
    return CarriedTensor(name, kept.shape, dtype)


def _placeholders(module: fx.GraphModule) -> tuple[str, ...]:
    return tuple(node.name for node in module.graph.nodes if node.op == "placeholder")


def _first(graph: Graph, step: Step, root: nn.Module, layer_of: LayerOf) -> fx.GraphModule:
    """Everything that does not depend on the target, and what the steps' layers make of it."""
    lowering = Lowering(graph, root, layer_of=layer_of)
    lowering.compute(step.whole)
    results: dict[str, fx.Node] = {}
    for one in step.begins:
        node, layout = one.node, _layout(one.node, layer_of)
        keywords: dict[str, Argument] = {}
        for name, refs in node.inputs.items():
            if name not in one.stepped:
                (ref,) = refs
                keywords[name] = lowering.tensor(ref, layout)
        for need in layer_of(type(node.operation)).needs:
            source = need.removesuffix("_lengths")
            if source != need and source in keywords:
                (given,) = types_of(graph, node.inputs[source])
                keywords[need] = lowering.lengths_of(given.time)
        begun = lowering.method(node, "begin", keywords)
        for name in (*(kept.name for kept in one.form.once), *one.form.given):
            results[f"{node.path}.{name}"] = lowering.fx.create_node(
                "call_function", operator.getitem, (begun, name), name=fx_name(f"{node.path}.{name}")
            )
    return lowering.finished(results, "First")


def _layout(node: Node, layer_of: LayerOf) -> Layout:
    layer = layer_of(type(node.operation))
    return "BTC" if layer.layout == "any" else layer.layout


class _StepLowering(Lowering):
    """Lowering of the nodes that work once for each token: their time axis has one place, which is real."""

    time = Dim(1)

    def size(self, dim: Dim) -> str:
        return "1" if dim == self.time else str(dim)

    def run_step(self, step: Step, carried: tuple[CarriedTensor, ...]) -> fx.GraphModule:
        """The module of one step."""
        self.time = self.spec.inputs[step.token].time
        tokens = self.fx.placeholder(TOKENS)
        position = self.fx.placeholder(POSITION)
        values = {kept.name: self.fx.placeholder(kept.argument) for kept in carried}
        for kept in carried:
            values[kept.name].meta["shape"] = f"[{', '.join(['B', *map(str, kept.shape)])}]"
        self._one_real_place(tokens)
        self.remember(Ref(step.token), self.annotate(tokens, step.token, self.spec.inputs[step.token], "BTC"), "BTC")
        results: dict[str, fx.Node] = {}
        for one in step.nodes.values():
            if one.form.is_plain:
                self.node(one.node)
            else:
                results |= self._step(one, position, values)
        return self.finished({LOGITS: self.tensor(step.logits), **results}, "Step")

    def _one_real_place(self, tokens: fx.Node) -> None:
        self.masks[self.time, "BT"] = self.fx.call_function(torch.ones_like, (tokens,), {"dtype": torch.bool})
        ones = self.fx.call_function(torch.ones_like, (tokens,))
        self.lengths[self.time] = self.fx.create_node("call_method", "squeeze", (ones, 1), name="one_token")

    def _step(self, one: StepNode, position: fx.Node, values: Mapping[str, fx.Node]) -> dict[str, fx.Node]:
        """Call a layer's step; gives its new state by name."""
        node, form = one.node, one.form
        layout = self._step_layout(one)
        keywords: dict[str, Argument] = {"position": position}
        for entry in signature_of(node.operation).inputs:
            if entry.name in one.stepped:
                (ref,) = node.inputs[entry.name]
                keywords[entry.name] = self.tensor(ref, layout)
        for kept in (*form.once, *form.state):
            keywords[kept.name] = values[f"{node.path}.{kept.name}"]
        made = self.method(node, "step", keywords)
        self.results(node, made, layout, several=True)
        results: dict[str, fx.Node] = {}
        for index, kept in enumerate(form.state, start=len(node.outputs)):
            name = f"{node.path}.{kept.name}"
            results[name] = self.fx.create_node(
                "call_function", operator.getitem, (made, index), name=f"{fx_name(name)}_after"
            )
        return results

    def _step_layout(self, one: StepNode) -> Layout:
        layer = self.layer_of(type(one.node.operation))
        inputs = {name: refs for name, refs in one.node.inputs.items() if name in one.stepped}
        return self.layout(replace(one.node, inputs=inputs), layer)
