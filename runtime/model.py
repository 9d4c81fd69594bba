"""A lowered graph with its loss and its search: what training and evaluation call."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..compiler.graph import CheckedGraph, Node
from ..dsl.values import Ref
from .data.batch import Batch
from .layers.layer import Layer, layer_class
from .lower import lower


@dataclass
class Model:
    """A model that reads batches.

    module   the lowered graph; its state dict is the model's
    inputs   the streams that it takes, by path, in the order of its arguments
    """

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: Mapping[Ref, str]
    loss_layer: Layer
    loss_inputs: tuple[Ref, ...]
    loss_names: tuple[str, ...]
    search: Callable[..., list[list[int]]] | None
    search_inputs: tuple[Ref, ...]

    def __call__(self, batch: Batch) -> Mapping[str, Tensor]:
        """All outputs by name."""
        arguments: list[Tensor] = []
        for path in self.inputs:
            arguments += [batch.inputs[path], batch.lengths[path]]
        outputs: Mapping[str, Tensor] = self.module(*arguments)
        return outputs

    def loss(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The loss of each example, [B]."""
        values = [self._value(ref, outputs, batch) for ref in self.loss_inputs]
        lengths = {
            f"{name}_lengths": self._lengths(ref, outputs, batch)
            for name, ref in zip(self.loss_names, self.loss_inputs, strict=True)
        }
        loss_B: Tensor = self.loss_layer(*values, **lengths)
        return loss_B

    def hypotheses(self, outputs: Mapping[str, Tensor], batch: Batch) -> list[list[int]]:
        """The tokens that the search finds for each example."""
        assert self.search is not None
        (ref,) = self.search_inputs
        return self.search(self._value(ref, outputs, batch), self._lengths(ref, outputs, batch))

    def _value(self, ref: Ref, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        return batch.inputs[ref.path] if ref.path in batch.inputs else outputs[self.outputs[ref]]

    def _lengths(self, ref: Ref, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        if ref.path in batch.lengths:
            return batch.lengths[ref.path]
        return outputs[f"{self.outputs[ref]}.lengths"]


def build_model(checked: CheckedGraph) -> Model:
    """Lower a graph for training and evaluation, on the CPU, with fresh weights."""
    graph = checked.graph
    assert graph.loss is not None
    loss_node = graph.nodes[graph.loss.path]
    search_node = graph.nodes[graph.infer.path] if graph.infer is not None else None
    loss_refs = _flat(loss_node)
    search_refs = _flat(search_node) if search_node is not None else ()
    wanted = list(dict.fromkeys(ref for ref in (*loss_refs, *search_refs) if ref.path not in graph.inputs))
    lowered = lower(checked, outputs=wanted)
    names = dict(zip(wanted, lowered.outputs, strict=True))
    loss_types = {
        name: tuple(found for ref in refs if (found := graph.type_of(ref)) is not None)
        for name, refs in loss_node.inputs.items()
    }
    loss_cls = layer_class(type(loss_node.operation))
    return Model(
        module=lowered.module,
        inputs=lowered.inputs,
        outputs=names,
        loss_layer=loss_cls(**loss_cls.arguments(loss_node.operation, loss_types)),
        loss_inputs=loss_refs,
        loss_names=tuple(loss_node.inputs),
        search=None if search_node is None else _search(search_node),
        search_inputs=search_refs,
    )


def _search(node: Node) -> Callable[..., list[list[int]]]:
    file = importlib.import_module(f".search.{node.operation.name}", package=__package__)
    function: Callable[..., list[list[int]]] = getattr(file, node.operation.name)
    settings: dict[str, Any] = node.operation.values()

    def search(values: Tensor, lengths: Tensor) -> list[list[int]]:
        with torch.no_grad():
            return function(values, lengths, **settings)

    return search


def _flat(node: Node) -> tuple[Ref, ...]:
    return tuple(ref for refs in node.inputs.values() for ref in refs)
