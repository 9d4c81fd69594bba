"""Trained parameters with what they are: matrices, biases, or scales and shifts of normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from ...compiler.graph import CheckedGraph
from ..lower import module_path
from ..shards import local


@dataclass(frozen=True)
class NamedParameter:
    """One trained tensor. `kind` says which settings leave it out: weight decay spares biases and norms."""

    name: str
    tensor: nn.Parameter
    kind: Literal["weight", "bias", "norm"]


def named_parameters(module: nn.Module, checked: CheckedGraph) -> list[NamedParameter]:
    """All trained parameters of a lowered module, each once, in the order of the module."""
    norms = {
        module_path(node.weights) for node in checked.graph.nodes.values() if node.operation.name.endswith("_norm")
    }
    return [NamedParameter(name, tensor, _kind(name, norms)) for name, tensor in module.named_parameters()]


def with_gradient(parameters: Sequence[NamedParameter], *, biases: bool, norms: bool) -> list[tuple[Tensor, Tensor]]:
    """The weights that have a gradient, each with it; biases and parameters of normalisations only where asked for.

    Of weights that are dealt out, what lies here.
    """
    kinds = {"weight"} | ({"bias"} if biases else set()) | ({"norm"} if norms else set())
    found = [
        (one.tensor.detach(), one.tensor.grad)
        for one in parameters
        if one.kind in kinds and one.tensor.grad is not None
    ]
    return list(zip(local(weight for weight, _ in found), local(gradient for _, gradient in found), strict=True))


def decayed(parameters: Sequence[NamedParameter], decay: float) -> list[dict[str, Any]]:
    """Groups for an optimizer: weights with their decay, biases and parameters of normalisations without."""
    groups: list[dict[str, Any]] = [
        {"params": [one.tensor for one in parameters if one.kind == "weight"], "weight_decay": decay},
        {"params": [one.tensor for one in parameters if one.kind != "weight"], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _kind(name: str, norms: set[str]) -> Literal["weight", "bias", "norm"]:
    owner, _, leaf = name.rpartition(".")
    if owner in norms or leaf == "gain":
        return "norm"
    return "bias" if leaf.startswith("bias") or leaf.endswith("bias") else "weight"
