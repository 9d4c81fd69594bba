"""Lowering: a checked graph becomes a torch.fx.GraphModule whose submodules carry the spec's paths."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import fx, nn
from torch.fx.node import Argument

from ..compiler.dim import Atom, Dim, Symbol
from ..compiler.graph import CheckedGraph, Graph, Node
from ..compiler.passes.seal import is_sealed
from ..compiler.signatures import signature_of
from ..compiler.tensor_type import TensorType
from ..dsl.values import DType, Ref
from .layers.cast import cast
from .layers.class_mask import class_mask
from .layers.layer import Layer, LayerOf, Layout, layer_class
from .layers.mask import mask
from .real_frames import real_frames

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Lowered:
    """A runnable module, and what goes in and comes out.

    inputs   placeholder names in order: "audio_waveform", "audio_waveform_lengths"
    outputs  keys of the dict that it returns, in order: "decoder.logits", "decoder.logits.lengths"
    loss     where the loss finds its inputs: {"logits": "decoder.logits", "target": "data.text", and "logits_lengths"
             and "target_lengths" likewise}; a key of `outputs`, or the path of a raw stream (".lengths" behind it)
    infer    the same for a search that reads a whole result; empty for one that feeds a decoder token by token
    """

    module: fx.GraphModule
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    loss: Mapping[str, str] = field(default_factory=dict)
    infer: Mapping[str, str] = field(default_factory=dict)


def lower(checked: CheckedGraph, *, outputs: Sequence[Ref] | None = None, layer_of: LayerOf = layer_class) -> Lowered:
    """Build the module that computes `outputs`; by default what the loss and the search read, with lengths.

    layer_of  where the torch side of a component is found

    Only nodes that the outputs need are there. The state dict's keys are the paths of the weights in the spec, each
    once: a shared module is one module, and a tied weight is read where it belongs. In evaluation a clip's result
    depends neither on padding nor on the other clips of the batch.
    """
    assert is_sealed(checked), "only a checked graph is lowered"
    graph = checked.graph
    loss, infer = _inputs_of(graph, graph.loss), _inputs_of(graph, _whole_search(graph))
    if outputs is None:
        asked = [*loss.values(), *infer.values()]
        outputs = list(dict.fromkeys(ref for ref in asked if ref.path not in graph.inputs))
    names = _output_names(graph, outputs)
    module = Lowering(graph, layer_of=layer_of).run(names)
    return Lowered(
        module,
        tuple(node.name for node in module.graph.nodes if node.op == "placeholder"),
        tuple(names.values()),
        {name: names.get(ref, spelt(ref, graph)) for name, ref in loss.items()},
        {name: names.get(ref, spelt(ref, graph)) for name, ref in infer.items()},
    )


def _output_names(graph: Graph, outputs: Iterable[Ref]) -> dict[Ref, str]:
    """Keys of the result: a tensor's name in the spec, through casts where nobody else has it, else its path."""
    names: dict[Ref, str] = {}
    for ref in outputs:
        name = spelt(_before_casts(ref, graph), graph)
        names[ref] = spelt(ref, graph) if name in names.values() else name
    return names


def _before_casts(ref: Ref, graph: Graph) -> Ref:
    while ref.path in graph.nodes and graph.nodes[ref.path].operation.name == "cast":
        (source,) = graph.nodes[ref.path].inputs["x"]
        ref = Ref(source.path, source.port, ref.lengths)
    return ref


def spelt(ref: Ref, graph: Graph) -> str:
    """A tensor's name in the spec ("decoder.logits", "decoder.logits.lengths"), or its path where it has none."""
    wanted = _full(ref, graph)
    path = f"{ref.path}.{ref.port}" if ref.port else ref.path
    name = next((name for name, known in graph.names.items() if _full(known, graph) == wanted), path)
    return f"{name}.lengths" if ref.lengths else name


def _full(ref: Ref, graph: Graph) -> tuple[str, str]:
    """Path and port, the first port if none is said."""
    if ref.path not in graph.nodes:
        return ref.path, ""
    return ref.path, ref.port or next(iter(graph.nodes[ref.path].outputs), "")


def placeholder_name(path: str) -> str:
    """The argument that carries a raw stream: `data.audio.waveform` -> `audio_waveform`; lengths have `_lengths`."""
    return path.removeprefix("data.").replace(".", "_")


def module_path(path: str) -> str:
    """Where a node's module hangs: its path, with `_` behind a name that torch's modules use themselves (`half`)."""
    return ".".join(f"{name}_" if _is_taken(name.rstrip("_")) else name for name in path.split("."))


def _is_taken(name: str) -> bool:
    return bool(name) and name in _TAKEN


_TAKEN = frozenset(dir(nn.Module())) | frozenset(dir(fx.GraphModule)) | {"graph", "code", "add"}


def _whole_search(graph: Graph) -> Ref | None:
    """The search, if it reads what the model gives for a whole input; one that feeds a decoder runs its step."""
    return None if graph.steps else graph.infer


def _inputs_of(graph: Graph, ref: Ref | None) -> dict[str, Ref]:
    """What a loss or a search reads, by input name; sequences with their lengths."""
    if ref is None:
        return {}
    found: dict[str, Ref] = {}
    for name, refs in graph.nodes[ref.path].inputs.items():
        (found[name],) = refs
        given = graph.type_of(found[name])
        if given is not None and given.is_seq:
            found[f"{name}_lengths"] = Ref(found[name].path, found[name].port, lengths=True)
    return found


@dataclass(frozen=True)
class _Value:
    """A tensor in the fx graph and how it lies in memory."""

    node: fx.Node
    layout: Layout


class Lowering:
    """One lowering: the fx graph as it grows, and what has been computed already.

    root  holds modules that are there already and are used again, with their weights
    """

    def __init__(self, graph: Graph, root: nn.Module | None = None, *, layer_of: LayerOf = layer_class) -> None:
        self.spec = graph
        self.layer_of = layer_of
        self.fx = fx.Graph()
        self.root = nn.Module() if root is None else root
        self.values: dict[tuple[str, str], _Value] = {}
        self.transposed: dict[fx.Node, fx.Node] = {}
        self.modules: dict[str, fx.Node] = {}
        self.symbol_lengths: dict[str, fx.Node] = {}
        self.dims: dict[Dim, fx.Node] = {}
        self.lengths: dict[Dim, fx.Node] = {}
        self.masks: dict[tuple[Dim, str], fx.Node] = {}

    def run(self, outputs: Mapping[Ref, str]) -> fx.GraphModule:
        """The module that computes the outputs from the streams."""
        self.compute(outputs)
        return self.finished({name: self.tensor(ref) for ref, name in outputs.items()}, "Model")

    def compute(self, outputs: Iterable[Ref]) -> None:
        """Add the streams and all nodes that the outputs need."""
        self._placeholders()
        for node in _needed(self.spec, outputs):
            self.node(node)

    def finished(self, results: Mapping[str, fx.Node], name: str) -> fx.GraphModule:
        """The module that returns `results`; arguments that nothing reads are left out."""
        self.fx.output(dict(results))
        self.fx.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
        for unused in reversed([node for node in self.fx.nodes if node.op == "placeholder" and not node.users]):
            self.fx.erase_node(unused)
        self.fx.lint()
        return fx.GraphModule(self.root, self.fx, name)

    def _placeholders(self) -> None:
        definitions = {symbol.name for symbol in self.spec.symbols if symbol.definition is not None}
        for path, type_ in self.spec.inputs.items():
            name = placeholder_name(path)
            self.remember(Ref(path), self.annotate(self.fx.placeholder(name), path, type_, "BTC"), "BTC")
            if not type_.is_seq:
                continue
            lengths = self.fx.placeholder(f"{name}_lengths")
            lengths.meta["shape"] = "[B]"
            for symbol in type_.time.symbols - definitions:
                if type_.time == Dim.of(symbol):
                    self.symbol_lengths.setdefault(symbol, lengths)

    # --- nodes ---

    def node(self, node: Node) -> None:
        """Add the call of a node."""
        if node.operation.family == "internal":
            self._derived(node)
            return
        layer = self.layer_of(type(node.operation))
        inputs = {name: types_of(self.spec, refs) for name, refs in node.inputs.items()}
        layout = self.layout(node, layer)
        arguments: list[fx.Node] = []
        keywords: dict[str, Argument] = {}
        for one in signature_of(node.operation).inputs:
            given = [self.tensor(ref, layout) for ref in node.inputs.get(one.name, ())]
            if one.optional and given:
                (keywords[one.name],) = given
            else:
                arguments.extend(given)
        keywords.update(self._needs(node, layer, inputs, layout))
        target = self.module(node, layer, inputs, layout)
        result = self.fx.create_node("call_module", target, tuple(arguments), keywords, name=fx_name(node.path))
        self.results(node, result, layout)

    def _derived(self, node: Node) -> None:
        """Casts and masks are functions: they belong to the node that they stand before."""
        (refs,) = node.inputs.values()
        value = self._value(refs[0])
        layout, operation = value.layout, node.operation
        match operation.name:
            case "cast":
                dtype: DType = operation.values()["dtype"]
                call = self.fx.create_node(
                    "call_function", cast, (value.node,), {"dtype": DTYPES[dtype.name]}, name=fx_name(node.path)
                )
            case "mask":
                (given,) = types_of(self.spec, refs)
                real = self._mask(given, value)
                call = self.fx.create_node("call_function", mask, (value.node, real), name=fx_name(node.path))
            case "class_mask":
                tensor, layout = self.tensor(refs[0], "BTC"), "BTC"
                call = self.fx.create_node(
                    "call_function", class_mask, (tensor,), operation.values(), name=fx_name(node.path)
                )
            case other:
                raise AssertionError(f"no function for {other}")
        self.results(node, call, layout)

    def method(self, node: Node, name: str, keywords: Mapping[str, Argument]) -> fx.Node:
        """Add the call of another method than `forward` of a node's module."""
        layer = self.layer_of(type(node.operation))
        inputs = {name: types_of(self.spec, refs) for name, refs in node.inputs.items()}
        target = self.module(node, layer, inputs, self.layout(node, layer))
        if target not in self.modules:
            self.modules[target] = self.fx.create_node("get_attr", target, name=f"{fx_name(node.path)}_module")
        return self.fx.create_node(
            "call_method", name, (self.modules[target],), dict(keywords), name=f"{fx_name(node.path)}_{name}"
        )

    def results(self, node: Node, result: fx.Node, layout: Layout, *, several: bool = False) -> None:
        """Remember what a call gives: a tensor, or several of them for a node with several outputs."""
        result.meta["path"] = node.path
        several = several or len(node.outputs) > 1
        for index, (port, type_) in enumerate(node.outputs.items()):
            part = self.fx.call_function(operator.getitem, (result, index)) if several else result
            own = layout if has_layout(type_) else "BTC"
            self.annotate(part, node.path, type_, own, dtype=node.gives)
            self.remember(Ref(node.path, port), part, own)
            if index == 0:
                self.remember(Ref(node.path), part, own)

    def module(
        self, node: Node, layer: type[Layer], inputs: Mapping[str, tuple[TensorType, ...]], layout: Layout
    ) -> str:
        """Construct a node's module unless it is there already; returns where it hangs."""
        has_weights = bool(node.operation.weights(inputs))
        target = module_path(node.weights if has_weights else node.path)
        found = _find(self.root, target)
        if found is None:
            arguments = layer.arguments(node.operation, inputs)
            if "layout" in layer.needs:
                arguments["layout"] = layout
            found = layer(**arguments)
            found.written_as = arguments
            _attach(self.root, target, found)
        assert isinstance(found, layer), f"{target} is a {type(found).__name__}, not a {layer.__name__}"
        return target

    def layout(self, node: Node, layer: type[Layer]) -> Layout:
        """How a node's inputs have to lie in memory."""
        if layer.layout != "any":
            return layer.layout
        for refs in node.inputs.values():
            return self._value(refs[0]).layout
        return "BTC"

    def _needs(
        self, node: Node, layer: type[Layer], inputs: Mapping[str, tuple[TensorType, ...]], layout: Layout
    ) -> dict[str, Argument]:
        found: dict[str, Argument] = {}
        first, first_type = next((refs[0], inputs[name][0]) for name, refs in node.inputs.items() if refs)
        for need in layer.needs:
            if need == "mask" and first_type.is_seq:
                value = _Value(self.tensor(first, layout), layout if has_layout(first_type) else "BTC")
                found[need] = self._mask(first_type, value)
            elif need == "dtype":
                found[need] = DTYPES[node.compute]
            elif need == "lengths" and first_type.is_seq:
                found[need] = self.lengths_of(first_type.time)
            elif need.endswith("_lengths") and inputs.get(need.removesuffix("_lengths")):
                (given,) = inputs[need.removesuffix("_lengths")]
                found[need] = self.lengths_of(given.time)
        tie = node.operation.values().get("tie")
        if tie is not None:
            found["tied_weight"] = self._tied_weight(tie)
        return found

    def _tied_weight(self, path: str) -> fx.Node:
        owner = next(node for node in self.spec.nodes.values() if node.weights == path)
        inputs = {name: types_of(self.spec, refs) for name, refs in owner.inputs.items()}
        target = self.module(owner, self.layer_of(type(owner.operation)), inputs, "BTC")
        return self.fx.get_attr(f"{target}.weight")

    # --- tensors ---

    def remember(self, ref: Ref, node: fx.Node, layout: Layout) -> None:
        """Keep what a tensor of the spec is in the fx graph."""
        self.values[ref.path, ref.port] = _Value(node, layout)

    def _value(self, ref: Ref) -> _Value:
        if ref.lengths:
            type_ = self.spec.type_of(Ref(ref.path, ref.port))
            assert type_ is not None
            return _Value(self.lengths_of(type_.time), "BTC")
        return self.values[ref.path, ref.port]

    def tensor(self, ref: Ref, layout: Layout = "BTC") -> fx.Node:
        """A tensor in a layout, transposed at most once."""
        value = self._value(ref)
        type_ = self.spec.type_of(ref)
        if value.layout == layout or type_ is None or not has_layout(type_):
            return value.node
        if value.node not in self.transposed:
            turned = self.fx.create_node(
                "call_method", "transpose", (value.node, 1, 2), name=f"{value.node.name}_{layout}"
            )
            self.transposed[value.node] = turned
            self.annotate(turned, "", type_, layout, dtype=value.node.meta.get("dtype", ""))
        return self.transposed[value.node]

    def annotate(self, node: fx.Node, path: str, type_: TensorType, layout: Layout, *, dtype: str = "") -> fx.Node:
        """Keep what `emit` and reports say about a tensor: its path in the spec, its shape, its precision."""
        axes = [self.size(axis.dim) for axis in type_.axes]
        if layout == "BCT" and len(axes) == 3:
            axes[1], axes[2] = axes[2], axes[1]
        if path:
            node.meta["path"] = path
        node.meta["shape"] = f"[{', '.join(axes)}]"
        node.meta["dtype"] = dtype
        return node

    def size(self, dim: Dim) -> str:
        """How a size is written in comments."""
        return str(dim)

    # --- lengths and masks ---

    def _mask(self, type_: TensorType, value: _Value) -> fx.Node:
        """The real frames of a sequence: [B, 1, T], [B, T, 1], or [B, T] where it has no features."""
        time = type_.time
        if (time, "BT") not in self.masks:
            axis = 2 if value.layout == "BCT" and has_layout(type_) else 1
            num_frames = self.fx.create_node("call_method", "size", (value.node, axis), name=f"num_{_slug(time)}")
            real = self.fx.create_node(
                "call_function", real_frames, (self.lengths_of(time), num_frames), name=f"real_{_slug(time)}"
            )
            real.meta["shape"] = f"[B, {time}]"
            self.masks[time, "BT"] = real
        if not has_layout(type_):
            return self.masks[time, "BT"]
        spelling, axis = ("B1T", 1) if value.layout == "BCT" else ("BT1", 2)
        if (time, spelling) not in self.masks:
            self.masks[time, spelling] = self.fx.create_node(
                "call_method", "unsqueeze", (self.masks[time, "BT"], axis), name=f"real_{_slug(time)}_{spelling}"
            )
        return self.masks[time, spelling]

    def lengths_of(self, dim: Dim) -> fx.Node:
        """Each row's size of a time axis, int64 [B], never below 0."""
        if dim not in self.lengths:
            exact = self._evaluate(dim)
            if not _never_negative(dim):
                exact = self.fx.create_node("call_method", "clamp", (exact,), {"min": 0}, name=f"lengths_{_slug(dim)}")
            exact.meta["shape"] = "[B]"
            self.lengths[dim] = exact
        return self.lengths[dim]

    def _evaluate(self, dim: Dim) -> fx.Node:
        """The linear form in int64 arithmetic (`//` stays in integers when exported, torch.div does not)."""
        if dim in self.dims:
            return self.dims[dim]
        total: fx.Node | None = None
        for atom, coefficient in dim.terms:
            term = self._atom(atom)
            if coefficient != 1:
                term = self.fx.call_function(operator.mul, (term, coefficient))
            total = term if total is None else self.fx.call_function(operator.add, (total, term))
        assert total is not None, f"a time axis of {dim} frames does not follow the data"
        if dim.const:
            total = self.fx.create_node("call_function", operator.add, (total, dim.const), name=f"sum_{_slug(dim)}")
        self.dims[dim] = total
        return total

    def _atom(self, atom: Atom) -> fx.Node:
        dim = Dim(0, ((atom, 1),))
        if dim in self.dims:
            return self.dims[dim]
        if isinstance(atom, Symbol):
            found = self._symbol(atom.name)
        else:
            numerator = self._evaluate(atom.numerator)
            found = self.fx.create_node(
                "call_function", operator.floordiv, (numerator, atom.divisor), name=f"lengths_{_slug(dim)}"
            )
        self.dims[dim] = found
        return found

    def _symbol(self, name: str) -> fx.Node:
        definition = next((symbol.definition for symbol in self.spec.symbols if symbol.name == name), None)
        if name not in self.symbol_lengths:
            assert definition is not None, f"nothing says how long {name} is"
            self.symbol_lengths[name] = self._evaluate(definition)
        return self.symbol_lengths[name]


def _needed(graph: Graph, outputs: Iterable[Ref]) -> list[Node]:
    """The nodes that the outputs are computed from, in order; lengths need none."""
    needed: set[str] = set()
    stack = [ref for ref in outputs if not ref.lengths]
    while stack:
        ref = stack.pop()
        if ref.path in graph.nodes and ref.path not in needed:
            needed.add(ref.path)
            stack.extend(other for other in graph.nodes[ref.path].refs() if not other.lengths)
    return [node for path, node in graph.nodes.items() if path in needed]


def types_of(graph: Graph, refs: Sequence[Ref]) -> tuple[TensorType, ...]:
    """The types of tensors, all of which are known."""
    found = tuple(graph.type_of(ref) for ref in refs)
    assert all(found)
    return tuple(type_ for type_ in found if type_ is not None)


def has_layout(type_: TensorType) -> bool:
    """Only sequences of vectors are turned: [B, T, D] or [B, D, T]."""
    return type_.is_seq and type_.rank == 3


def _never_negative(dim: Dim) -> bool:
    """True if no sizes of the symbols make it negative."""
    atoms = (isinstance(atom, Symbol) or _never_negative(atom.numerator) for atom, _ in dim.terms)
    return dim.const >= 0 and all(coefficient >= 0 for _, coefficient in dim.terms) and all(atoms)


def fx_name(path: str) -> str:
    """A path as a name in code: `encoder.stack.0.0.conv1d` -> `encoder_stack_0_0_conv1d`."""
    return re.sub(r"\W", "_", path)


def _slug(dim: Dim) -> str:
    """`ceil(T/2)` -> `ceil_T_2`."""
    return re.sub(r"\W+", "_", str(dim)).strip("_")


def _find(root: nn.Module, path: str) -> nn.Module | None:
    for name in path.split("."):
        child = root._modules.get(name)
        if child is None:
            return None
        root = child
    return root


def _attach(root: nn.Module, path: str, module: nn.Module) -> None:
    *scopes, name = path.split(".")
    for scope in scopes:
        if scope not in root._modules:
            root.add_module(scope, nn.Module())
        root = root.get_submodule(scope)
    root.add_module(name, module)
