"""In which precision each operation computes, in training and in each export; and in which its weights are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..dsl.values import DType
from .graph import Graph
from .parts.precision.mixed import Mixed
from .settings import setting


@dataclass(frozen=True)
class Use:
    """The operations of one use of the model with what each computes in; casts are left out.

    label  which export; empty for training
    """

    label: str
    computes: Mapping[str, str]

    @property
    def where(self) -> str:
        """For messages: "training", "export onnx"."""
        return f"export {self.label}" if self.label else "training"


def uses(graph: Graph) -> Iterator[Use]:
    """Training, then each export with what its outputs need, left out what does something in training only."""
    yield trained(graph)
    for label in graph.exports:
        yield exported(graph, label)


def trained(graph: Graph) -> Use:
    """What training computes in."""
    return Use("", {path: node.compute for path, node in graph.nodes.items() if not _is_cast(graph, path)})


def exported(graph: Graph, label: str) -> Use:
    """The same for one export, without the whole graph made anew."""
    half = setting(graph, f"export.{label}.precision").name
    gives = {path: "int64" if given.element == "index" else "fp32" for path, given in graph.inputs.items()}
    computes: dict[str, str] = {}
    for path, node in graph.needed_for(setting(graph, f"export.{label}.outputs")).items():
        given = {gives[ref.path] for ref in node.refs() if not ref.lengths and ref.path in gives} - {"int64"}
        followed = given.pop() if len(given) == 1 else "fp32"
        compute = {"half": half, "fp32": "fp32"}.get(node.operation.precision, followed)
        real = any(output.element == "real" for output in node.outputs.values())
        gives[path] = compute if real else "int64"
        if not _is_cast(graph, path) and not node.operation.training_only:
            computes[path] = compute
    return Use(label, computes)


def stored(graph: Graph) -> dict[str, str]:
    """What training stores weights in, by the paths of weights that are not float32.

    autocast keeps float32 and rounds at use; mixed and bf16 store what is computed in half as that.
    """
    if not stores_half(graph):
        return {}
    return {
        node.weights: node.compute
        for node in graph.nodes.values()
        if node.cost.parameters and node.operation.precision == "half" and node.compute in ("fp16", "bf16")
    }


def weight_numbers(graph: Graph) -> dict[str, int]:
    """How many numbers the weights of each path are; shared ones once, where they belong."""
    # a shared module's numbers are counted at its first use
    return {node.weights: node.cost.parameters for node in graph.nodes.values() if node.cost.parameters}


def stores_half(graph: Graph) -> bool:
    """Whether weights are stored in half precision: under mixed(…) and bf16."""
    precision = setting(graph, "hyperparameters.precision")
    return has_masters(graph) or (isinstance(precision, DType) and precision.name == "bf16")


def has_masters(graph: Graph) -> bool:
    """Whether weights in half have float32 masters, which the optimizer updates."""
    return isinstance(setting(graph, "hyperparameters.precision"), Mixed)


def _is_cast(graph: Graph, path: str) -> bool:
    return graph.nodes[path].operation.name == "cast"
