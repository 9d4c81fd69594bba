"""Where an exported file first leaves the float32 model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

_HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Drift:
    """A value that differs too much.

    value       its name in the file
    path        the path in the spec of what made it: "encoder.stack.0.0.conv1d"
    operator    the ONNX operator
    difference  the largest one; infinite where one side is not finite
    largest     largest size of the float32 value
    """

    value: str
    path: str
    operator: str
    difference: float
    largest: float


def first_drift(
    model: onnx.ModelProto, program: ExportedProgram, feeds: Mapping[str, Tensor], *, tolerance: float
) -> Drift | None:
    """Name the first value, in the order of computation, that differs by more than `tolerance` of its largest size.

    program  what the file was made from: its node names are the file's value names
    """
    expected = _float32_values(program, feeds)
    paths = _module_paths(program)
    found = _onnx_values(model, feeds, expected.keys())
    path = ""
    for node in model.graph.node:
        for name in node.output:
            path = paths.get(name) or path
            if name not in found or name not in expected:
                continue
            drift = _compare(found[name], expected[name].numpy(), name, path, node.op_type)
            if drift.difference > tolerance * max(drift.largest, 1.0):
                return drift
    return None


def output_drift(
    model: onnx.ModelProto, expected: Mapping[str, Tensor], feeds: Mapping[str, Tensor], *, tolerance: float
) -> Drift | None:
    """The same for the outputs only, where torch cannot run what the file was made from."""
    found = _onnx_values(model, feeds, ())
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    for name, value in expected.items():
        drift = _compare(found[name], value.float().numpy(), name, "", makers.get(name, "an input"))
        if drift.difference > tolerance * max(drift.largest, 1.0):
            return drift
    return None


def runs_in_torch(program: ExportedProgram) -> bool:
    """False where operators of ONNX's own stand in it (LSTM), of which torch knows no more than the shapes."""
    return not any("onnx_symbolic" in str(node.target) for node in program.graph.nodes)


def _onnx_values(model: onnx.ModelProto, feeds: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Any]:
    """Run the model with every named value as an output."""
    wanted = set(names)
    exposed = onnx.shape_inference.infer_shapes(model)
    types = {value.name: value for value in exposed.graph.value_info}
    known = {value.name for value in exposed.graph.output}
    made = [name for node in exposed.graph.node for name in node.output]
    exposed.graph.output.extend(types[name] for name in made if name in wanted and name in types and name not in known)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    # the CPU provider computes in float32 and rounds only what is an output: the chain stays finite, an exposed value
    # shows the overflow
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = [value.name for value in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, {name: value.numpy() for name, value in feeds.items()}), strict=True))


def _compare(found: Any, expected: Any, name: str, path: str, operator: str) -> Drift:
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    if found.shape != expected.shape:
        return Drift(name, path, operator, float("inf"), float("nan"))
    with np.errstate(invalid="ignore"):
        size = np.abs(found - expected)
    difference = float(np.nan_to_num(size, nan=np.inf, posinf=np.inf).max(initial=0.0))
    return Drift(name, path, operator, difference, float(np.abs(expected).max(initial=0.0)))


def _float32_values(program: ExportedProgram, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Run the exported program in float32, half casts left out, and give the tensor of every node."""
    recorder = _Float32Recorder(program.graph_module)
    signature = program.graph_signature
    state: dict[str, Any] = {**program.state_dict, **program.constants}
    targets = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    inputs = iter(feeds.values())
    arguments = [
        _widen(state[targets[node.name]] if node.name in targets else next(inputs))
        for node in program.graph.nodes
        if node.op == "placeholder"
    ]
    with torch.no_grad():
        results = recorder.run(*arguments)
    for spec, value in zip(signature.output_specs, results, strict=True):
        if isinstance(value, Tensor):
            recorder.values[spec.arg.name] = _widen(value)
    return recorder.values


class _Float32Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.values: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, Tensor):
            value = _widen(value)
            self.values[n.name] = value
        return value


def _widen(value: Tensor) -> Tensor:
    return value.float() if value.dtype in _HALVES else value


def _module_paths(program: ExportedProgram) -> dict[str, str]:
    """Map each node to the innermost submodule that made it."""
    paths: dict[str, str] = {}
    for node in program.graph.nodes:
        stack = node.meta.get("nn_module_stack") or {}
        # a layer's method stands at the layer's path (methods.py)
        paths[node.name] = str(list(stack.values())[-1][0]).removesuffix(".layer") if stack else ""
    return paths
