"""Contracts over everything in the catalogue: a part that is in its folder is tested here without being named."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import inf, nextafter
from typing import Any

import pytest
import torch
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.component import Component, Mismatch
from s2sc.compiler.dim import Dim
from s2sc.compiler.graph import Node
from s2sc.compiler.part import Part
from s2sc.compiler.schema import validate_params
from s2sc.compiler.signatures import TypedInput, signature_of
from s2sc.compiler.step_form import ROOM, StepForm
from s2sc.compiler.tensor_type import LETTERS, Axis, TensorType, lengths, seq, tokens, waveform
from s2sc.dsl.signature import Param
from s2sc.dsl.source import Source, Span
from s2sc.dsl.syntax import Name
from s2sc.dsl.values import DType, Origin, PartValue, Quantity, Ref, Static
from s2sc.runtime.export.precision import halve_weights
from s2sc.runtime.export.program import make_program
from s2sc.runtime.layers.layer import FOLDERS, Layer, layer_class
from s2sc.runtime.lower import Lowered, lower
from s2sc.runtime.onnx_session import open_session
from s2sc.runtime.real_frames import real_frames
from s2sc.tests.single import PATH, lower_single, single
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.onnx._internal.exporter._registration import ONNXRegistry
from torch.utils.flop_counter import FlopCounterMode

CLASSES = sorted(builtin().classes(), key=lambda cls: cls.name)
COMPONENTS = sorted(builtin().component_classes(), key=lambda cls: cls.name)
# Passes put in the internal ones (functions), and a search is called on what the model gives.
LAYERS = [cls for cls in COMPONENTS if cls.family not in ("internal", "search")]
SEEDS = range(4)
BATCH = 3
# Dropout and augmentation are left out of what leaves.
EXPORTED = [cls for cls in LAYERS if cls.family in ("component", "feature") and not cls.training_only and not cls.loops]
STEPPING = [cls for cls in LAYERS if hasattr(layer_class(cls), "step")]
HALF = [cls for cls in LAYERS if cls.precision != "fp32"]

Types = dict[str, tuple[TensorType, ...]]
over_layers = pytest.mark.parametrize("cls", LAYERS, ids=lambda cls: cls.name)


# --- what a part says of itself ---


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_every_part_and_every_parameter_is_documented(cls: type[Part]) -> None:
    first = (cls.__doc__ or "").strip().splitlines()[0]
    assert first.endswith((".", ":")), "the first line of the docstring is a sentence"
    for param in cls.params:
        assert param.doc, param.name
        assert param.doc[0].islower() or not param.doc[0].isalpha() or param.doc.split()[0].isupper(), param.doc
        assert not param.doc.endswith("."), param.doc


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_values_out_of_range_are_refused_with_the_parameters_name(cls: type[Part]) -> None:
    catalogue = builtin()
    for param in cls.params:
        for wrong in _wrong_values(param):
            faults = list(validate_params(_bound(cls, {param.name: wrong}), catalogue))
            assert any(fault.param == param.name for fault in faults), f"{param.name} = {wrong} was accepted"


@pytest.mark.parametrize("cls", COMPONENTS, ids=lambda cls: cls.name)
def test_a_component_has_a_torch_side(cls: type[Component]) -> None:
    if cls.family in ("internal", "search"):
        file = import_module(f"s2sc.runtime.{FOLDERS.get(cls.family, 'layers')}.{cls.name}")
        assert callable(getattr(file, cls.name))
    else:
        assert layer_class(cls).layout in ("BTC", "BCT", "any")


# --- what it computes ---


@over_layers
def test_shapes_dtypes_and_lengths_are_as_inferred(cls: type[Component]) -> None:
    for seed in SEEDS:
        for precision in ("fp32", "bf16"):
            case = make_case(cls, seed, precision)
            outputs = case.run(case.batch)
            node = case.graph_node
            for port, type_ in node.outputs.items():
                assert outputs[port].shape == type_.shape(case.sizes), case.operation
                assert outputs[port].dtype == {"fp32": torch.float32, "bf16": torch.bfloat16}[node.gives]
                if type_.is_seq:
                    expected = [max(0, type_.time.value(case.row_sizes(row))) for row in range(BATCH)]
                    assert outputs[f"{port}.lengths"].tolist() == expected


@over_layers
def test_trained_tensors_are_as_declared(cls: type[Component]) -> None:
    for seed in SEEDS:
        case = make_case(cls, seed)
        found = {
            name.removeprefix(f"{PATH}."): tuple(tensor.shape)
            for name, tensor in case.lowered.module.named_parameters()
        }
        assert found == case.operation.weights(case.types), case.operation


@over_layers
def test_macs_are_as_torch_counts_them(cls: type[Component]) -> None:
    for seed in SEEDS:
        case = make_case(cls, seed)
        # the counter does not know what mkldnn's LSTM does
        # nor what the fast kernel of attention does on a CPU
        with (
            torch.backends.mkldnn.flags(enabled=False),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            case.run(case.batch)
        inputs = {name: tuple(type_.shape(case.sizes) for type_ in types) for name, types in case.types.items()}
        outputs = {port: type_.shape(case.sizes) for port, type_ in case.graph_node.outputs.items()}
        assert case.operation.macs(inputs, outputs) == counter.get_total_flops() / 2, case.operation


@over_layers
def test_gradients_are_finite(cls: type[Component]) -> None:
    for seed in SEEDS:
        for precision in ("fp32", "bf16"):
            case = make_case(cls, seed, precision)
            batch = {
                name: tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor
                for name, tensor in case.batch.items()
            }
            total = sum(
                (tensor.float() * torch.rand(tensor.shape, generator=_generator(seed))).sum()
                for tensor in case.run(batch, training=True).values()
                if tensor.is_floating_point()
            )
            assert isinstance(total, Tensor)
            torch.autograd.backward(total)
            for name, parameter in case.lowered.module.named_parameters():
                assert parameter.grad is not None, f"{name} has no gradient"
                assert parameter.grad.isfinite().all(), f"{name}: {case.operation}"
            for name, tensor in batch.items():
                if tensor.requires_grad:
                    assert tensor.grad is not None, f"{name} has no gradient"
                    assert tensor.grad.isfinite().all(), f"{name}: {case.operation}"


@over_layers
@pytest.mark.parametrize("content", [1e4, inf, float("nan")])
def test_padding_never_changes_a_result_in_evaluation(cls: type[Component], content: float) -> None:
    for seed in SEEDS:
        case = make_case(cls, seed)
        zero, filled = case.run(case.filled(0.0)), case.run(case.filled(content))
        for name, expected, found in case.real_parts(zero, filled):
            assert torch.equal(expected, found), f"{name}: {case.operation}"


@over_layers
def test_padding_never_changes_a_result_or_a_statistic_in_training(cls: type[Component]) -> None:
    for seed in SEEDS:
        case = make_case(cls, seed)
        zero = case.run(case.filled(0.0), training=True)
        statistics = [tensor.clone() for tensor in case.lowered.module.state_dict().values()]
        case.reset()
        filled = case.run(case.filled(1e4), training=True)
        for name, expected, found in case.real_parts(zero, filled):
            assert torch.equal(expected, found), f"{name}: {case.operation}"
        for expected, found in zip(statistics, case.lowered.module.state_dict().values(), strict=True):
            assert torch.equal(expected, found)


@over_layers
def test_a_clip_alone_gives_the_same_as_in_a_batch(cls: type[Component]) -> None:
    for seed in SEEDS:
        case = make_case(cls, seed)
        together = case.run(case.filled(1e4))
        for row in range(BATCH):
            alone = case.run(case.alone(row))
            for port, type_ in case.graph_node.outputs.items():
                expected, found = together[port][row], alone[port][0]
                if type_.is_seq:
                    num_real = max(0, type_.time.value(case.row_sizes(row)))
                    expected, found = expected[:num_real], found[:num_real]
                # sums over time run in another order when the batch is shorter
                torch.testing.assert_close(expected, found, atol=1e-4, rtol=1e-4)


@over_layers
def test_the_order_of_a_batch_is_the_order_of_the_results(cls: type[Component]) -> None:
    order = torch.tensor([2, 0, 1])
    for seed in SEEDS:
        case = make_case(cls, seed)
        plain = case.run(case.filled(0.0))
        mixed = case.run({name: tensor[order] for name, tensor in case.filled(0.0).items()})
        for name, tensor in plain.items():
            torch.testing.assert_close(tensor[order], mixed[name], atol=1e-6, rtol=1e-5)


@over_layers
def test_padding_of_results_is_zero_where_it_is_promised(cls: type[Component]) -> None:
    contents = [content for content, promised in ((0.0, cls.keeps_zero), (1e4, cls.cleans)) if promised]
    for seed in SEEDS:
        for content in contents:
            for training in (False, True):
                case = make_case(cls, seed)
                outputs = case.run(case.filled(content), training=training)
                for port, type_ in case.graph_node.outputs.items():
                    for row in range(BATCH if type_.is_seq else 0):
                        padding = outputs[port][row, max(0, type_.time.value(case.row_sizes(row))) :]
                        assert not padding.any(), f"{port}: {case.operation}"


@pytest.mark.parametrize("cls", HALF, ids=lambda cls: cls.name)
def test_half_precision_stays_close(cls: type[Component]) -> None:
    for seed in SEEDS:
        exact, half = make_case(cls, seed), make_case(cls, seed, "fp16")
        half.lowered.module.load_state_dict(exact.lowered.module.state_dict())
        for name, expected, found in exact.real_parts(exact.run(exact.batch), half.run(half.batch)):
            if expected.is_floating_point():
                # fp16 has 11 bits: 5e-4 of each number that is summed up, and there are few
                torch.testing.assert_close(found.float(), expected, atol=2e-2, rtol=1e-2, msg=f"{name}: {cls.name}")


@over_layers
def test_both_layouts_give_the_same(cls: type[Component]) -> None:
    """A layer that takes any layout computes the same on [B, T, D] and on [B, D, T]."""
    layer = layer_class(cls)
    for seed in SEEDS if layer.layout == "any" else ():
        case = make_case(cls, seed)
        if not all(type_.is_seq and type_.rank == 3 for types in case.types.values() for type_ in types):
            continue
        results = []
        for layout in ("BTC", "BCT"):
            arguments = layer.arguments(case.operation, case.types)
            if "layout" in layer.needs:
                arguments["layout"] = layout
            keywords = {"lengths": case.batch["x_0_lengths"]} if "lengths" in layer.needs else {}
            given = [tensor for tensor in case.batch.values() if tensor.is_floating_point()]
            turned = [tensor.transpose(1, 2) if layout == "BCT" else tensor for tensor in given]
            torch.manual_seed(seed)
            y = layer(**arguments)(*turned, **keywords)
            results.append(y.transpose(1, 2) if layout == "BCT" else y)
        if not cls.training_only:
            # kernels take the vectorised path or not, by how numbers lie
            torch.testing.assert_close(*results, atol=1e-6, rtol=1e-6)
        else:
            assert results[0].shape == results[1].shape


# --- what it exports to ---


@pytest.fixture(scope="module", autouse=True)
def _one_registry() -> Iterator[None]:
    """The exporter reads its table of operators anew for every export, which takes longer than a small export."""
    with pytest.MonkeyPatch.context() as patch:
        registry = cache(ONNXRegistry.from_torchlib)
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(registry))
        yield


@pytest.mark.parametrize(("precision", "seed"), [("fp32", 0), ("fp16", 1)])
@pytest.mark.parametrize("cls", EXPORTED, ids=lambda cls: cls.name)
def test_the_exported_file_computes_the_same(cls: type[Component], precision: str, seed: int) -> None:
    """In batches and alone, with padding of 1e4; exported from one size and run at others."""
    case, exact = make_case(cls, seed, precision), make_case(cls, seed)
    exact.vary_statistics()
    checked = single(case.operation, case.types, precision=precision)
    ports = case.graph_node.outputs
    module = lower(checked, outputs=[Ref(PATH, port) for port in ports]).module.eval()
    module.load_state_dict(exact.lowered.module.state_dict())
    halve_weights(module, checked)
    taken = [node.name for node in module.graph.nodes if node.op == "placeholder"]
    dynamic = {name: {0: "batch"} for name in taken}
    for name, type_ in case.sequences():
        dynamic[name][1] = str(type_.time)
    batch = {name: case.batch[name] for name in taken}
    program = make_program(module, batch, dynamic=dynamic, outputs=list(ports), opset=20, properties={})
    session = open_session(program.to_bytes())
    # onnxruntime sums in another order; fp16 as in test_half_precision_stays_close
    atol, rtol = (1e-4, 1e-4) if precision == "fp32" else (2e-2, 1e-2)
    for batch in (case.filled(1e4), *(case.alone(row) for row in range(BATCH))):
        expected = exact.run(batch)
        found = session.run(list(ports), {name: batch[name].numpy() for name in taken})
        for (port, type_), result in zip(ports.items(), found, strict=True):
            ours, theirs = expected[port], torch.from_numpy(result)
            assert theirs.shape == ours.shape, case.operation
            if type_.is_seq:
                real_BT = real_frames(expected[f"{port}.lengths"], ours.shape[1])
                ours, theirs = ours[real_BT], theirs[real_BT]
            theirs = theirs.to(ours.dtype)
            torch.testing.assert_close(theirs, ours, atol=atol, rtol=rtol, msg=f"{port}: {case.operation}")


@pytest.mark.parametrize(("precision", "seed"), [("fp32", 0), ("fp16", 1)])
@pytest.mark.parametrize("cls", STEPPING, ids=lambda cls: cls.name)
def test_the_exported_step_computes_the_same(cls: type[Component], precision: str, seed: int) -> None:
    """A few tokens, exported from one batch and run on another; the states go around."""
    case, form, stepped = _stepping_case(cls, seed)
    exact, checked = case.lowered.module, single(case.operation, case.types, precision=precision)
    module = lower(checked, outputs=[Ref(PATH, port) for port in case.graph_node.outputs]).module.eval()
    module.load_state_dict(exact.state_dict())
    halve_weights(module, checked)
    layer, half = exact.eval().get_submodule(PATH), module.get_submodule(PATH)
    assert isinstance(layer, Layer)
    dtype = {"fp32": torch.float32, "fp16": torch.float16}[precision]

    def turned(tensor: Tensor) -> Tensor:
        return tensor.transpose(1, 2) if layer.layout == "BCT" and tensor.dim() == 3 else tensor

    batch, sizes = case.filled(0.0), {**case.sizes, ROOM: 5}
    whole = {name: batch[f"{name}_0"] for name in case.types if name not in stepped}
    whole |= {need: batch[f"{need[:-8]}_0_lengths"] for need in layer.needs if need[:-8] in whole}
    state = {
        kept.name: torch.zeros(BATCH, *(dim.value(sizes) for dim in kept.shape), dtype=torch.float32)
        for kept in form.state
    }
    with torch.no_grad():
        begun = layer.begin(**whole) if form.once or form.given else {}
        state |= {name: begun[name] for name in form.given}
        tokens = {name: turned(batch[f"{name}_0"][:, :1]) for name in stepped}
        first = {"position": torch.tensor(0), **tokens, **{kept.name: begun[kept.name] for kept in form.once}, **state}
        dynamic = {name: {0: "batch"} for name in first if name != "position"}
        for kept in (*form.once, *form.state):
            dynamic[kept.name] |= {axis: str(dim) for axis, dim in enumerate(kept.shape, 1) if not dim.is_known}
        results = [*case.graph_node.outputs, *(f"{name}_after" for name in state)]
        # an output without a time axis is a state by another name
        read = [name for name in results if name not in state]
        examples = {name: t.to(dtype) if t.is_floating_point() else t for name, t in first.items()}
        alone = _method("step", half, list(first), [results.index(name) for name in read])
        program = make_program(alone, examples, dynamic=dynamic, outputs=read, opset=20, properties={})
        session = open_session(program.to_bytes())
        ours = theirs = {name: first[name].clone()[:2] for name in state}
        fixed = {name: tensor[:2] for name, tensor in first.items() if name in begun and name not in state}
        for place in range(3):
            fed = {name: turned(batch[f"{name}_0"][:2, place : place + 1]) for name in stepped}
            given = {"position": torch.tensor(place), **fed, **fixed}
            expected = dict(zip(results, layer.step(**given, **{n: t.clone() for n, t in ours.items()}), strict=True))
            asked = {
                name: (t.to(dtype) if t.is_floating_point() else t).numpy() for name, t in {**given, **theirs}.items()
            }
            known = {one.name for one in session.get_inputs()}
            answers = session.run(read, {name: value for name, value in asked.items() if name in known})
            found = {name: torch.from_numpy(value).float() for name, value in zip(read, answers, strict=True)}
            atol, rtol = (1e-4, 1e-4) if precision == "fp32" else (2e-2, 1e-2)
            for name in read:
                torch.testing.assert_close(found[name], expected[name].float(), atol=atol, rtol=rtol, msg=name)
            ours = {name: expected[f"{name}_after"] for name in state}
            theirs = {name: found[f"{name}_after"] for name in state}


def _stepping_case(cls: type[Component], seed: int) -> tuple[Case, StepForm, frozenset[str]]:
    """A case in which the inputs that run over the first one's time come token by token."""
    for attempt in range(seed, seed + 100, 2):
        case = make_case(cls, attempt)
        first = next(iter(case.types.values()))[0]
        stepped = frozenset(
            name for name, (one, *_) in case.types.items() if one.is_seq and one.axes[1] == first.axes[1]
        )
        try:
            form = case.operation.step_form(case.types, stepped)
        except Mismatch:
            continue
        if form.once or form.state:
            return case, form, stepped
    raise AssertionError(f"no step form found for {cls.name}")


def _method(name: str, layer: torch.nn.Module, arguments: list[str], results: list[int]) -> torch.fx.GraphModule:
    """A module that calls one method of a layer with keyword arguments, and gives some of its results."""
    graph = torch.fx.Graph()
    taken: dict[str, Any] = {argument: graph.placeholder(argument) for argument in arguments}
    made = graph.call_method(name, (graph.get_attr("layer"),), taken)
    graph.output(tuple(graph.call_function(operator.getitem, (made, index)) for index in results))
    return torch.fx.GraphModule({"layer": layer}, graph)


# --- cases: random valid parameters and inputs of a component ---


@dataclass
class Case:
    """A component with drawn parameters, lowered by itself, and a batch for it."""

    operation: Component
    types: Types
    lowered: Lowered
    graph_node: Node
    sizes: dict[str, int]
    lengths: dict[str, list[int]]
    batch: dict[str, Tensor]
    seed: int

    def run(self, batch: Mapping[str, Tensor], *, training: bool = False) -> dict[str, Tensor]:
        torch.manual_seed(self.seed)
        module = self.lowered.module.train(training)
        with torch.set_grad_enabled(training):
            outputs: dict[str, Tensor] = module(*(batch[name] for name in self.lowered.inputs))
        return outputs

    def reset(self) -> None:
        """Forget what training changed."""
        for module in self.lowered.module.modules():
            for name, buffer in module.named_buffers(recurse=False):
                if name.startswith("running"):
                    buffer.fill_(float(name == "running_var"))

    def vary_statistics(self) -> None:
        """Running statistics as training leaves them."""
        for module in self.lowered.module.modules():
            for name, buffer in module.named_buffers(recurse=False):
                if name.startswith("running"):
                    buffer.uniform_(0.5, 1.5)

    def row_sizes(self, row: int) -> dict[str, int]:
        return {**self.sizes, **{symbol: rows[row] for symbol, rows in self.lengths.items()}}

    def filled(self, content: float) -> dict[str, Tensor]:
        """The batch with `content` behind every row's length."""
        filled = dict(self.batch)
        for name, type_ in self.sequences():
            tensor = self.batch[name].clone()
            for row in range(BATCH):
                behind = tensor[row, type_.time.value(self.row_sizes(row)) :]
                behind.fill_(content if tensor.is_floating_point() else 0)
            filled[name] = tensor
        return filled

    def alone(self, row: int) -> dict[str, Tensor]:
        """One row without its padding."""
        one = {name: tensor[row : row + 1] for name, tensor in self.batch.items()}
        for name, type_ in self.sequences():
            one[name] = one[name][:, : type_.time.value(self.row_sizes(row))]
        return one

    def real_parts(self, left: dict[str, Tensor], right: dict[str, Tensor]) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Pairs of what is not padding."""
        for port, type_ in self.graph_node.outputs.items():
            if not type_.is_seq:
                yield port, left[port], right[port]
                continue
            for row in range(BATCH):
                num_real = max(0, type_.time.value(self.row_sizes(row)))
                yield f"{port}[{row}]", left[port][row, :num_real], right[port][row, :num_real]

    def sequences(self) -> Iterator[tuple[str, TensorType]]:
        for name, types in self.types.items():
            for position, type_ in enumerate(types):
                if type_.is_seq:
                    yield f"{name}_{position}", type_


def make_case(cls: type[Component], seed: int, precision: str = "fp32") -> Case:
    """Draw parameters, input types and numbers; the same for the same seed."""
    operation, types = _example(cls, seed)
    torch.manual_seed(seed)
    lowered = lower_single(operation, types, precision=precision)
    graph = single(operation, types, precision=precision).graph
    rng = random.Random(seed)
    sizes = {"B": BATCH, "T": 11 + seed, "N": 1500 + 7 * seed, "U": 4, "S": 13 + seed}
    least = {"T": 8, "N": 700, "U": 1, "S": 5}
    rows = {symbol: [rng.randint(least[symbol], sizes[symbol]) for _ in range(BATCH)] for symbol in least}
    for symbol in least:
        rows[symbol][1] = sizes[symbol]
    generator = _generator(seed)
    batch: dict[str, Tensor] = {}
    for name, given in types.items():
        for position, type_ in enumerate(given):
            shape = type_.shape(sizes)
            if type_.element == "index":
                batch[f"{name}_{position}"] = torch.randint(type_.vocabulary or 2, shape, generator=generator)
            else:
                batch[f"{name}_{position}"] = torch.randn(shape, generator=generator)
            if type_.is_seq:
                (symbol,) = type_.time.symbols
                batch[f"{name}_{position}_lengths"] = torch.tensor(rows[symbol])
    for derived in graph.symbols:
        assert derived.definition is not None
        of_rows = [derived.definition.value({"N": num_samples}) for num_samples in rows["N"]]
        sizes[derived.name], rows[derived.name] = derived.definition.value(sizes), of_rows
    return Case(operation, types, lowered, graph.nodes[PATH], sizes, rows, batch, seed)


def _example(cls: type[Component], seed: int) -> tuple[Component, Types]:
    rng = random.Random(f"{cls.name} {seed}")
    for _ in range(1000):
        operation = cls(**{param.name: _draw(param, rng) for param in cls.params})
        types = _draw_inputs(operation, rng)
        try:
            operation.check_params()
            operation.check(types)
            out = operation.infer(types)
        except Mismatch:
            continue
        # the longest row of a case, see make_case
        if (operation.most_places() or inf) < 13 + seed:
            continue
        # some rows are as short as 8 frames, and every output needs a frame
        times = [type_.time for type_ in (out or {}).values() if type_.is_seq]
        if all(time.value({"T": 8, "N": 700, "U": 1, "S": 5}) > 0 for time in times):
            return operation, types
    raise AssertionError(f"no valid parameters found for {cls.name}")


def _draw(param: Param, rng: random.Random) -> object:
    if not param.required and rng.random() < 0.5:
        return param.default
    if param.choices:
        choice = rng.choice(param.choices)
        return DType(choice) if param.type == "dtype" else choice
    draw: dict[str, Callable[[], object]] = {
        "int": lambda: rng.randint(int(_least(param)), int(min(_most(param), _least(param) + 5))),
        "number": lambda: rng.uniform(_least(param), min(_most(param), _least(param) + 2)),
        "bool": lambda: rng.random() < 0.5,
    }
    # a part, a file or another module has no meaning for one component alone
    return draw[param.type]() if param.type in draw else param.default


def _least(param: Param) -> float:
    return param.minimum if param.minimum is not None else (param.above + 1e-3 if param.above is not None else -2)


def _most(param: Param) -> float:
    return param.maximum if param.maximum is not None else (param.below - 1e-3 if param.below is not None else inf)


def _draw_inputs(operation: Component, rng: random.Random) -> Types:
    letters: dict[str, int] = {}
    leading = rng.choice([("B", "T"), ("B", "T"), ("B",)])
    types: Types = {}
    for one in signature_of(operation).inputs:
        if one.optional and rng.random() < 0.5:
            continue
        count = rng.choice((2, 3)) if one.variadic else 1
        types[one.name] = tuple(_draw_type(one, operation, letters, leading, rng) for _ in range(count))
    return types


def _draw_type(
    one: TypedInput, operation: Component, letters: dict[str, int], leading: tuple[str, ...], rng: random.Random
) -> TensorType:
    def features(letter: str) -> int:
        return letters.setdefault(letter, rng.randint(2, 8))

    names = [axis.name for axis in one.type.axes or () if isinstance(axis, Name)]
    if one.name in operation.tokens:
        return tokens(names[1], rng.randint(1, 4))
    if names == ["B", "N"]:
        return waveform("N")
    if names == ["B"]:
        return lengths()
    if one.type.kind == "seq":
        time = next((name for name in names if name in "SU"), "T")
        return seq(time, features(names[-1] if names else "D"))
    if names[:1] == ["B"] and ".." not in names:
        batch, *others = names
        return TensorType(
            "tensor", (Axis("batch", Dim.of(batch)), *(Axis(LETTERS[name], Dim.of(features(name))) for name in others))
        )
    dim = seq("T", features(names[-1]))
    if leading == ("B", "T"):
        return dim
    return TensorType("tensor", (dim.axes[0], Axis("features", dim.axes[2].dim)))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- what it does token by token ---


def _step_forms(cls: type[Component], most: int) -> Iterator[tuple[int, StepForm | None, frozenset[str]]]:
    """Seeds of cases with sequences, the form of their step, and what comes token by token; None where it is refused.

    That is what runs over the first input's time; at most so many of each: those with a state, plain ones, refusals.
    """
    found: dict[bool | None, int] = {}
    for seed in range(40):
        operation, types = _example(cls, seed)
        first = next(iter(types.values()))[0]
        stepped = frozenset(
            name for name, (one, *_) in types.items() if first.is_seq and one.is_seq and one.time == first.time
        )
        if not stepped:
            continue
        form: StepForm | None = None
        try:
            form = operation.step_form(types, stepped)
        except Mismatch:
            form = None
        sort = form.is_plain if form is not None else None
        found[sort] = found.get(sort, 0) + 1
        if found[sort] <= most:
            yield seed, form, stepped


DECODED = [cls for cls in LAYERS if cls.family == "component"]
FORMS = [(cls, *found) for cls in DECODED for found in _step_forms(cls, 4)]
# The last place that is left as it is, where those behind it change; the shortest row has 8.
LAST = 3


def _over(forms: list[tuple[type[Component], int, StepForm | None, frozenset[str]]]) -> pytest.MarkDecorator:
    names = [f"{cls.name}-{seed}" for cls, seed, *_ in forms]
    return pytest.mark.parametrize(("cls", "seed", "form", "stepped"), forms, ids=names)


over_stateful = _over([one for one in FORMS if one[2] is not None and not one[2].is_plain])
over_plain = _over([one for one in FORMS if one[2] is not None and one[2].is_plain])
over_steps = _over([one for one in FORMS if one[2] is not None])
over_refused = _over([one for one in FORMS if one[2] is None])


@over_stateful
def test_token_by_token_equals_all_at_once(
    cls: type[Component], seed: int, form: StepForm, stepped: frozenset[str]
) -> None:
    """With what it carries along as declared: names, shapes, types."""
    case = make_case(cls, seed)
    expected = case.run(case.filled(0.0))
    walk = _Walk(case, form, stepped)
    for place in range(case.sizes["T"]):
        outputs = walk.step(place)
        for port, type_ in case.graph_node.outputs.items():
            for row in range(BATCH):
                length = case.row_sizes(row)["T"]
                if type_.is_seq and place < length:
                    ours, theirs = outputs[port][row, 0], expected[port][row, place]
                elif not type_.is_seq and place == length - 1:
                    # the state behind the last token
                    ours, theirs = outputs[port][row], expected[port][row]
                else:
                    continue
                torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5, msg=lambda m: f"{case.operation}: {m}")


@over_stateful
def test_rows_of_the_state_go_on_where_they_are_moved(
    cls: type[Component], seed: int, form: StepForm, stepped: frozenset[str]
) -> None:
    """A beam doubles rows, drops some and changes their order."""
    case = make_case(cls, seed)
    kept, moved = _Walk(case, form, stepped), _Walk(case, form, stepped)
    for place in range(3):
        kept.step(place)
        moved.step(place)
    rows = torch.tensor([2, 0, 0])
    moved.move(rows)
    for place in range(3, 6):
        expected, found = kept.step(place), moved.step(place)
        for port, tensor in expected.items():
            torch.testing.assert_close(found[port], tensor[rows], atol=1e-6, rtol=1e-5)


@over_plain
def test_a_plain_step_is_the_operation_on_one_token(
    cls: type[Component], seed: int, form: StepForm, stepped: frozenset[str]
) -> None:
    case = make_case(cls, seed)
    expected = case.run(case.filled(0.0))
    for place in range(case.sizes["T"]):
        one = {
            name: torch.ones_like(tensor) if name.endswith("_lengths") else tensor[:, place : place + 1]
            for name, tensor in case.filled(0.0).items()
        }
        found = case.run(one)
        for port in case.graph_node.outputs:
            for row in range(BATCH):
                if place < case.row_sizes(row)["T"]:
                    torch.testing.assert_close(found[port][row, 0], expected[port][row, place], atol=1e-5, rtol=1e-5)


@over_steps
def test_what_has_a_step_never_reads_later_tokens(
    cls: type[Component], seed: int, form: StepForm, stepped: frozenset[str]
) -> None:
    assert _read_ahead(make_case(cls, seed), stepped) == []


@over_refused
def test_no_step_is_refused_without_need(cls: type[Component], seed: int, form: None, stepped: frozenset[str]) -> None:
    """What is refused gives no result for each token, or reads later ones."""
    case = make_case(cls, seed)
    time = case.types[min(stepped)][0].time
    each = all(type_.is_seq and type_.time == time for type_ in case.graph_node.outputs.values())
    assert not each or _read_ahead(case, stepped), case.operation


def _read_ahead(case: Case, stepped: frozenset[str]) -> list[str]:
    """The outputs that change at places up to LAST when tokens behind it do."""
    before = case.filled(0.0)
    after = dict(before)
    generator = _generator(99)
    for name, type_ in case.sequences():
        if name.rpartition("_")[0] not in stepped:
            continue
        other = before[name].clone()
        later = other[:, LAST + 1 :]
        if type_.element == "index":
            later.copy_(torch.randint(type_.vocabulary or 2, later.shape, generator=generator))
        else:
            later.copy_(torch.randn(later.shape, generator=generator))
        after[name] = other
    expected, found = case.run(before), case.run(after)
    return [
        port
        for port, type_ in case.graph_node.outputs.items()
        if type_.is_seq
        and not torch.allclose(found[port][:, : LAST + 1], expected[port][:, : LAST + 1], atol=1e-6, rtol=1e-5)
    ]


class _Walk:
    """A layer that is run token by token over a case's batch."""

    def __init__(self, case: Case, form: StepForm, stepped: frozenset[str]) -> None:
        layer = case.lowered.module.eval().get_submodule(PATH)
        assert isinstance(layer, Layer)
        self.case, self.form, self.stepped, self.layer = case, form, stepped, layer
        self.batch = case.filled(0.0)
        whole = {name: self.batch[f"{name}_0"] for name in case.types if name not in stepped}
        whole |= {need: self.batch[f"{need[:-8]}_0_lengths"] for need in layer.needs if need[:-8] in whole}
        # more room than tokens, and no round number of places
        sizes = {**case.sizes, ROOM: case.sizes["T"] + 6}
        with torch.no_grad():
            begun = layer.begin(**whole) if form.once or form.given else {}
        assert begun.keys() == {*(kept.name for kept in form.once), *form.given}
        dtypes = {"compute": torch.float32, "fp32": torch.float32, "int64": torch.int64, "bool": torch.bool}
        self.declared = {
            kept.name: ((BATCH, *(dim.value(sizes) for dim in kept.shape)), dtypes[kept.dtype])
            for kept in (*form.once, *form.state)
        }
        self.once = {kept.name: begun[kept.name] for kept in form.once}
        self.state = {
            kept.name: begun[kept.name]
            if kept.name in form.given
            else torch.full(
                self.declared[kept.name][0],
                # nobody reads a place that is not written yet, so anything may lie there
                1e4 if any(ROOM in dim.symbols for dim in kept.shape) else 0,
                dtype=self.declared[kept.name][1],
            )
            for kept in form.state
        }
        self._as_declared()

    def step(self, place: int) -> dict[str, Tensor]:
        """The outputs at a place, by port, batch and time first."""
        turn = self.layer.layout == "BCT"
        tokens = {name: self.batch[f"{name}_0"][:, place : place + 1] for name in self.stepped}
        if turn:
            tokens = {name: one.transpose(1, 2) if one.dim() == 3 else one for name, one in tokens.items()}
        with torch.no_grad():
            made = self.layer.step(position=torch.tensor(place), **tokens, **self.once, **self.state)
        ports = self.case.graph_node.outputs
        names = [kept.name for kept in self.form.state]
        assert len(made) == len(ports) + len(names)
        self.state = dict(zip(names, made[len(ports) :], strict=True))
        self._as_declared()
        return {
            port: result.transpose(1, 2) if turn and type_.is_seq else result.clone()
            for (port, type_), result in zip(ports.items(), made, strict=False)
        }

    def move(self, rows: Tensor) -> None:
        """Go on with these rows."""
        self.once = {name: tensor[rows] for name, tensor in self.once.items()}
        self.state = {name: tensor[rows] for name, tensor in self.state.items()}
        self.batch = {name: tensor[rows] for name, tensor in self.batch.items()}

    def _as_declared(self) -> None:
        for name, (shape, dtype) in self.declared.items():
            tensor = {**self.once, **self.state}[name]
            assert (tuple(tensor.shape), tensor.dtype) == (shape, dtype), f"{name}: {self.case.operation}"


# --- wrong values ---

NOWHERE = Span(Source("test", ""), 0, 0)


def _bound(cls: type[Part], values: Mapping[str, Any]) -> PartValue:
    origin = Origin("spec", NOWHERE)
    params = {}
    for param in cls.params:
        value = values.get(param.name, param.default)
        params[param.name] = Static(value, origin)
    return PartValue(cls.name, cls.family, params, NOWHERE, origin)


def _wrong_values(param: Param) -> Iterator[object]:
    """Numbers just outside the declared range, and texts that are no choice."""
    if param.type == "str" and param.choices:
        yield "no such choice"
    if param.type not in ("int", "number"):
        return
    step: Callable[[float, float], float] = (
        (lambda number, towards: number + (1 if towards > number else -1)) if param.type == "int" else nextafter
    )
    numbers = [
        None if param.minimum is None else step(param.minimum, -inf),
        None if param.maximum is None else step(param.maximum, inf),
        param.above,
        param.below,
    ]
    for number in numbers:
        if number is None:
            continue
        if param.units:
            yield Quantity(number, param.units[0], str(number))
        else:
            yield number
