"""Batch normalisation folded into the weights before it."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, fx, nn

from ..layers.batch_norm import BatchNorm
from ..layers.conv1d import Conv1d
from ..layers.linear import Linear
from ..layers.sep_conv1d import SepConv1d


def fold_batch_norms(module: fx.GraphModule) -> list[str]:
    """Multiply each batch norm into the convolution or linear map that it alone reads; returns their paths.

    Exact in evaluation, where a batch norm is one affine map for each channel. One that reads something else, or
    shared or tied weights, stays as it is. Changes the module.
    """
    calls = Counter(node.target for node in module.graph.nodes if node.op == "call_module")
    tied = {str(node.target).rpartition(".")[0] for node in module.graph.nodes if node.op == "get_attr"}
    folded: list[str] = []
    for node in list(module.graph.nodes):
        norm = _module_of(node, module)
        if not isinstance(norm, BatchNorm):
            continue
        source = _source_of(node)
        layer = None if source is None else _module_of(source, module)
        if source is None or layer is None or calls[source.target] != 1 or source.target in tied:
            continue
        owner = _weights_of(layer)
        if owner is None:
            continue
        _fold(owner, norm)
        node.replace_all_uses_with(node.args[0])
        module.graph.erase_node(node)
        folded.append(str(node.target))
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return folded


def _source_of(norm: fx.Node) -> fx.Node | None:
    """The node whose result only this batch norm reads (and what asks for its size), maybe through a transposition."""
    source = norm.args[0]
    while isinstance(source, fx.Node) and sum(1 for user in source.users if user.target != "size") == 1:
        if source.op == "call_module":
            return source
        if source.op != "call_method" or source.target != "transpose":
            return None
        source = source.args[0]
    return None


def _module_of(node: fx.Node, module: fx.GraphModule) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _weights_of(layer: nn.Module) -> nn.Module | None:
    """The module that holds a layer's last weights, one row for each channel."""
    if isinstance(layer, SepConv1d):
        return layer.pointwise
    if isinstance(layer, Conv1d) or (isinstance(layer, Linear) and layer.weight is not None):
        return layer
    return None


@torch.no_grad()
def _fold(owner: nn.Module, norm: BatchNorm) -> None:
    """Give w' = w * s, b' = (b - mean) * s + shift, s = scale / sqrt(variance + epsilon); in float64."""
    weight, bias = owner.weight, owner.bias
    assert isinstance(weight, Tensor)
    scale_C = norm.weight.double() * torch.rsqrt(norm.running_var.double() + norm.epsilon)
    shift_C = norm.bias.double() - norm.running_mean.double() * scale_C
    if isinstance(bias, Tensor):
        shift_C = shift_C + bias.double() * scale_C
    gain = getattr(owner, "gain", None)
    if isinstance(gain, Tensor):
        # the weight gives the direction only: what a row is multiplied by is its length
        owner.gain = nn.Parameter((gain.double() * scale_C).to(gain.dtype))
    else:
        rows = scale_C.view(-1, *[1] * (weight.dim() - 1))
        owner.weight = nn.Parameter((weight.double() * rows).to(weight.dtype))
    owner.bias = nn.Parameter(shift_C.to(weight.dtype))
