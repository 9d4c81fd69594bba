"""A lowered module as an ONNX model: the same bytes wherever it is made, and nothing of the machine in them."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..extras import extra
from ..layers.layer import Layer

with extra("export", "export to ONNX"):
    import onnx
    import onnxscript
    import torch
    from torch import Tensor, fx
    from torch.export import ExportedProgram

# Tables that a graph makes from a few numbers are made there, not stored: a transform's basis would fill a small file.
_LARGEST_FOLDED = 4096


@dataclass(frozen=True)
class Program:
    """An ONNX model, and torch's program that it was made from, whose node names are the model's value names."""

    model: onnx.ModelProto
    exported: ExportedProgram

    def to_bytes(self) -> bytes:
        """The content of the file, the same in every process."""
        return bytes(self.model.SerializeToString(deterministic=True))

    def with_properties(self, properties: Mapping[str, str]) -> Program:
        """The same with other metadata."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        onnx.helper.set_model_props(model, dict(sorted(properties.items())))
        return Program(model, self.exported)


def make_program(
    module: fx.GraphModule,
    examples: Mapping[str, Tensor],
    *,
    dynamic: Mapping[str, Mapping[int, str]],
    outputs: Sequence[str],
    opset: int,
    properties: Mapping[str, str],
) -> Program:
    """Export a module and hold the result against ONNX's own checks.

    examples    a tensor for each input, in order; no dynamic axis may have size 0 or 1 here: torch would fix it there
    dynamic     {"audio_waveform": {0: "batch", 1: "samples"}}: the axes that vary, by name
    properties  metadata of the file
    """
    dims = {
        name: torch.export.Dim(name, min=1) for name in sorted({n for axes in dynamic.values() for n in axes.values()})
    }
    shapes = tuple({axis: dims[dim] for axis, dim in dynamic.get(name, {}).items()} for name in examples)
    for layer in module.modules():
        if isinstance(layer, Layer):
            layer.lay_out_for_export()
    with quiet():
        program = torch.onnx.export(
            module,
            tuple(examples.values()),
            dynamo=True,
            opset_version=opset,
            dynamic_shapes=shapes,
            input_names=list(examples),
            output_names=list(outputs),
            optimize=False,
            verbose=False,
        )
        assert program is not None
        _tell_apart(program.model.graph, outputs)
        onnxscript.optimizer.optimize(
            program.model, input_size_limit=_LARGEST_FOLDED, output_size_limit=_LARGEST_FOLDED
        )
    model = program.model_proto
    _forget(model)
    # shapes of inner values hold torch's names for sizes
    del model.graph.value_info[:]
    model.producer_name, model.producer_version = "s2sc", ""
    onnx.helper.set_model_props(model, dict(sorted(properties.items())))
    onnx.checker.check_model(model, full_check=True)
    assert program.exported_program is not None
    return Program(model, program.exported_program)


def _tell_apart(graph: Any, names: Sequence[str]) -> None:
    """Give an output that is the same value as an earlier one a name of its own: torch would name both alike."""
    for place, name in enumerate(names):
        value = graph.outputs[place]
        first = next(index for index, other in enumerate(graph.outputs) if other is value)
        if first == place:
            value.name = name
            continue
        node = onnxscript.ir.node("Identity", [value])
        graph.append(node)
        (copy,) = node.outputs
        copy.name, copy.type, copy.shape = name, value.type, value.shape
        graph.outputs[place] = copy


def _forget(message: Any) -> None:
    """Remove what tells where and how the model was made: stack traces, source lines, doc strings."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            parts: Any = value if isinstance(value, Sequence) or hasattr(value, "add") else (value,)
            for part in parts:
                _forget(part)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter: it prints its progress, and warns of its deprecations and of operators nobody asked for."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
