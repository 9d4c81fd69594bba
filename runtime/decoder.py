"""An autoregressive decoder with its search: from a batch to the likeliest targets of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import nn

from ..compiler.data_layer import BEGIN, END
from ..compiler.graph import CheckedGraph
from .data.batch import Batch
from .layers.layer import LayerOf, layer_class
from .lower import placeholder_name
from .lower_step import LoweredStep, lower_step
from .no_answer import NoAnswer
from .search.hypothesis import Hypothesis
from .stepping import TorchStepper


@dataclass(frozen=True)
class Decoder:
    """A decoder's step with the settings of its search.

    takes   the streams that the step begins with, as `Batch` has them: paths, with ".lengths" behind for lengths
    source  the stream whose length bounds that of the target
    kind    the search by name ("beam")
    """

    step: LoweredStep
    takes: tuple[str, ...]
    source: str
    kind: str
    settings: Mapping[str, Any]

    @property
    def most_texts(self) -> int:
        """How many texts the search can find for a row."""
        return int(self.settings.get("width", 1))

    @property
    def n_best(self) -> int:
        """How many texts the spec asks for."""
        return int(self.settings.get("n_best", 1))

    def search(self, batch: Batch, **changed: Any) -> list[list[Hypothesis] | NoAnswer]:
        """The best targets of each row, the best first, or why there is none.

        changed  settings of the search that replace the spec's (`n_best = 5`)
        """
        assert changed.keys() <= self.settings.keys(), f"{self.kind} has no {', '.join(changed)}"
        stepper = TorchStepper(self.step, [_stream(path, batch) for path in self.takes], num_rows=len(batch))
        # the name comes from the catalogue, never from a spec's text
        function = getattr(import_module(f".search.{self.kind}", __package__), self.kind)
        source_tokens_B = batch.lengths[self.source].cpu().numpy()
        found: list[list[Hypothesis] | NoAnswer] = function(
            stepper,
            source_tokens_B,
            begin=BEGIN,
            end=END,
            most_places=self.step.most_tokens,
            **{**self.settings, **changed},
        )
        return found


def build_decoder(checked: CheckedGraph, module: nn.Module, *, layer_of: LayerOf = layer_class) -> Decoder | None:
    """The decoder of a graph whose search chooses token by token; None for other graphs. Layers are `module`'s."""
    graph = checked.graph
    if not graph.steps or graph.infer is None:
        return None
    step = lower_step(checked, module, layer_of=layer_of)
    paths = {placeholder_name(path): path for path in graph.inputs}
    paths |= {f"{name}_lengths": f"{path}.lengths" for name, path in paths.items()}
    source = next(path for path in graph.inputs if path not in graph.targets)
    operation = graph.nodes[graph.infer.path].operation
    return Decoder(step, tuple(paths[name] for name in step.takes), source, operation.name, operation.values())


def _stream(path: str, batch: Batch) -> Any:
    stream = path.removesuffix(".lengths")
    return batch.inputs[path] if path == stream else batch.lengths[stream]
