"""A lowered graph with its loss and its search: what training and evaluation call."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..compiler.graph import CheckedGraph, Node
from ..compiler.places import most_lengths
from .data.batch import Batch
from .decoder import Decoder, build_decoder
from .layers.layer import Layer, LayerOf, layer_class
from .lower import lower, placeholder_name
from .no_answer import NoAnswer
from .too_long import too_long


@dataclass
class Model:
    """A model that reads batches.

    module   the lowered graph; its state dict is the model's
    trained  the same layers without what only the search needs, for training
    takes    its arguments in order: paths of raw streams, with ".lengths" behind them for their lengths
    loss_from, infer_from   where the loss and the search find their inputs: keys of the outputs or paths of streams
    search   reads what the model gives for a whole input; None where there is none
    decoder  chooses token by token instead; None where there is none
    most     the longest sequences that it has places for, by path; streams without an end are left out
    """

    module: nn.Module
    trained: nn.Module
    takes: tuple[str, ...]
    loss_layer: Layer
    loss_from: Mapping[str, str]
    search: Callable[..., list[list[int]]] | None
    infer_from: Mapping[str, str]
    decoder: Decoder | None = None
    most: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, batch: Batch) -> Mapping[str, Tensor]:
        """All outputs by name; while training, those that the loss reads. Raises TooLong."""
        for path, most in self.most.items():
            if batch.inputs[path].shape[1] > most:
                raise too_long(path, batch, most)
        run = self.trained if self.module.training else self.module
        outputs: Mapping[str, Tensor] = run(*self.arguments(batch))
        return outputs

    def arguments(self, batch: Batch) -> list[Tensor]:
        """What the module takes of a batch, in order."""
        return [_find(source, {}, batch) for source in self.takes]

    def loss(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The loss of each example, [B]."""
        found = {name: _find(source, outputs, batch) for name, source in self.loss_from.items()}
        values = [value for name, value in found.items() if not name.endswith("_lengths")]
        lengths = {name: value for name, value in found.items() if name in self.loss_layer.needs}
        loss_B: Tensor = self.loss_layer(*values, **lengths)
        return loss_B if batch.counts else loss_B * 0.0

    def loss_weight(self, batch: Batch) -> Tensor:
        """What each example counts in the mean of a batch's or a split's loss, [B]: 1, or its target tokens."""
        weight_B: Tensor = self.loss_layer.example_weight(_find(self.loss_from["target_lengths"], {}, batch))
        return weight_B if batch.counts else weight_B * 0

    def num_target_tokens(self, batch: Batch) -> int:
        """The real tokens of the loss's target, all rows together."""
        return int(_find(self.loss_from["target_lengths"], {}, batch).sum())

    def hypotheses(self, outputs: Mapping[str, Tensor], batch: Batch) -> list[list[int]]:
        """The tokens that the search finds for each example."""
        if self.decoder is not None:
            found = self.decoder.search(batch)
            return [[] if isinstance(row, NoAnswer) else list(row[0].tokens) for row in found]
        assert self.search is not None
        return self.search(*(_find(source, outputs, batch) for source in self.infer_from.values()))

    @property
    def searches(self) -> bool:
        """Whether there is a search, so that texts can be read from the model."""
        return self.search is not None or self.decoder is not None


def build_model(checked: CheckedGraph, *, layer_of: LayerOf = layer_class) -> Model:
    """Lower a graph for training and evaluation, on the CPU, with fresh weights.

    layer_of  where the torch side of a component is found
    """
    graph = checked.graph
    assert graph.loss is not None
    loss_node = graph.nodes[graph.loss.path]
    types = {
        name: tuple(found for ref in refs if (found := graph.type_of(ref)) is not None)
        for name, refs in loss_node.inputs.items()
    }
    lowered = lower(checked, layer_of=layer_of)
    sources = {placeholder_name(path): path for path in graph.inputs}
    sources |= {f"{name}_lengths": f"{path}.lengths" for name, path in sources.items()}
    loss_class = layer_class(type(loss_node.operation))
    return Model(
        module=lowered.module,
        trained=_without_search(lowered.module, set(lowered.loss.values())),
        takes=tuple(sources[name] for name in lowered.inputs),
        loss_layer=loss_class(**loss_class.arguments(loss_node.operation, types)),
        loss_from=lowered.loss,
        search=_search(graph.nodes[graph.infer.path]) if lowered.infer and graph.infer is not None else None,
        infer_from=lowered.infer,
        decoder=build_decoder(checked, lowered.module, layer_of=layer_of),
        most=most_lengths(graph),
    )


def _without_search(module: fx.GraphModule, wanted: set[str]) -> fx.GraphModule:
    """The module with fewer outputs; its layers are the same objects."""
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    outputs = graph.graph_copy(module.graph, copied)
    assert isinstance(outputs, dict)
    graph.output({name: value for name, value in outputs.items() if name in wanted})
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    return fx.GraphModule(module, graph)


def _find(source: str, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
    if source in outputs:
        return outputs[source]
    path = source.removesuffix(".lengths")
    return batch.inputs[path] if path == source else batch.lengths[path]


def _search(node: Node) -> Callable[..., list[list[int]]]:
    file = importlib.import_module(f".search.{node.operation.name}", package=__package__)
    function: Callable[..., list[list[int]]] = getattr(file, node.operation.name)
    settings: dict[str, Any] = node.operation.values()

    def search(values: Tensor, lengths: Tensor) -> list[list[int]]:
        with torch.no_grad():
            return function(values, lengths, **settings)

    return search
