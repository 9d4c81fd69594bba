"""Half precision for a module that leaves: weights converted and counted, results held against what half can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from ...compiler.graph import CheckedGraph
from ..layers.cast import cast
from ..layers.class_mask import class_mask
from ..lower import module_path
from .failed import ExportFailed

LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class HalfWeights:
    """What became of the weights.

    halved, kept  how many numbers are half now, and how many stay float32
    vanished      numbers that were not 0 and are 0 in half precision, by tensor
    """

    halved: int = 0
    kept: int = 0
    vanished: Mapping[str, int] = field(default_factory=dict)


def halve_weights(module: nn.Module, checked: CheckedGraph) -> HalfWeights:
    """Convert the weights of every node that computes in half precision; a weight that overflows fails the export."""
    halves = {
        module_path(node.weights)
        for node in checked.graph.nodes.values()
        if node.compute == "fp16" and node.operation.precision == "half"
    }
    vanished: dict[str, int] = {}
    halved = 0
    for path in sorted(halves):
        try:
            layer = module.get_submodule(path)
        except AttributeError:
            continue
        for name, tensor in layer.named_parameters():
            _hold_finite(f"{path}.{name}", tensor)
            lost = int(((tensor != 0) & (tensor.half() == 0)).sum())
            if lost:
                vanished[f"{path}.{name}"] = lost
            halved += tensor.numel()
        layer.half()
    kept = sum(tensor.numel() for tensor in module.parameters() if tensor.dtype == torch.float32)
    return HalfWeights(halved, kept, vanished)


def _hold_finite(name: str, tensor: Tensor) -> None:
    half = tensor.half()
    if bool(half.isfinite().all()):
        return
    node = name.rpartition(".")[0]
    if not bool(tensor.isfinite().all()):
        raise ExportFailed(
            f"{name} holds {int((~tensor.isfinite()).sum())} numbers that are NaN or infinite", node=node
        )
    count, largest = int((~half.isfinite()).sum()), float(tensor.abs().max())
    message = f"{name} overflows half precision: {count} weights are above {LARGEST_HALF:,.0f}, up to {largest:,.4g}"
    raise ExportFailed(message, node=node)


def largest_results(module: fx.GraphModule, inputs: Mapping[str, Tensor]) -> dict[str, float]:
    """Run in float32 and give the largest size of each result that half precision would hold, by path, in order.

    onnxruntime computes half in float32 on a CPU, so an overflow shows on a GPU only; here it shows everywhere.
    NaN counts as infinite. `module` must not have half weights yet.
    """
    recorder = _Recorder(module)
    with torch.no_grad():
        recorder.run(*inputs.values())
    return recorder.largest


class _Recorder(fx.Interpreter):
    """Runs a module with its casts left out."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.largest: dict[str, float] = {}

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[0] if target is cast else super().call_function(target, args, kwargs)

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        # what silences classes is a number of our own choosing
        if n.meta.get("dtype") == "fp16" and n.target is not class_mask and isinstance(value, Tensor) and value.numel():
            largest = float(value.abs().max())
            path = str(n.meta.get("path") or n.name)
            self.largest[path] = max(self.largest.get(path, 0.0), float("inf") if largest != largest else largest)
        return value
