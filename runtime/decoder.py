"""An autoregressive decoder with its search: from a batch to the likeliest targets of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..compiler.data_layer import BEGIN, END
from ..compiler.graph import CheckedGraph
from .data.batch import Batch
from .lower import placeholder_name
from .lower_step import LoweredStep, lower_step
from .no_answer import NoAnswer
from .search.hypothesis import Hypothesis
from .search.text_length import most_tokens
from .search.token_search import search
from .stepping import TorchStepper


@dataclass(frozen=True)
class Decoder:
    """A decoder's step with the settings of its search.

    takes   the streams that the step begins with, as `Batch` has them: paths, with ".lengths" behind for lengths
    source  the stream whose length bounds that of the target
    """

    step: LoweredStep
    takes: tuple[str, ...]
    source: str
    settings: Mapping[str, Any]

    def search(self, batch: Batch, **changed: Any) -> list[list[Hypothesis] | NoAnswer]:
        """The best targets of each row, the best first, or why there is none.

        changed  settings of the search that replace the spec's (`n_best = 5`)
        """
        settings = {**self.settings, **changed}
        stepper = TorchStepper(self.step, [_stream(path, batch) for path in self.takes], num_rows=len(batch))
        longest = settings.pop("max_tokens")
        return search(
            stepper,
            num_rows=len(batch),
            max_tokens_per_row=most_tokens(batch.lengths[self.source].cpu().numpy(), longest),
            begin=BEGIN,
            end=END,
            **settings,
        )


def build_decoder(checked: CheckedGraph, module: nn.Module) -> Decoder | None:
    """The decoder of a graph whose search chooses token by token; None for other graphs. Layers are `module`'s."""
    graph = checked.graph
    if not graph.steps or graph.infer is None:
        return None
    step = lower_step(checked, module)
    paths = {placeholder_name(path): path for path in graph.inputs}
    paths |= {f"{name}_lengths": f"{path}.lengths" for name, path in paths.items()}
    source = next(path for path in graph.inputs if path not in graph.targets)
    operation = graph.nodes[graph.infer.path].operation
    settings = {"width": 1, "length_penalty": 0.0, "n_best": 1, **operation.values()}
    return Decoder(step, tuple(paths[name] for name in step.takes), source, settings)


def _stream(path: str, batch: Batch) -> Any:
    stream = path.removesuffix(".lengths")
    return batch.inputs[path] if path == stream else batch.lengths[stream]
