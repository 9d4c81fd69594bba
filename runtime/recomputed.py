"""A training graph in which segments are computed again in the backward pass, and not kept (Chen et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from torch import fx, nn
from torch.fx.passes.split_module import split_module
from torch.utils.checkpoint import checkpoint

from ..compiler.recompute import runs
from .model import Model
from .training.running_statistics import RunningStatistics


class Recomputed(nn.Module):
    """A segment of which only the inputs are kept; random numbers are drawn again as they were."""

    def __init__(self, segment: fx.GraphModule) -> None:
        super().__init__()
        self.segment = segment
        self._statistics = RunningStatistics(segment)

    def forward(self, *arguments: Any) -> Any:
        """What the segment gives."""
        return checkpoint(self.segment, *arguments, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), self._counted_once()

    @contextmanager
    def _counted_once(self) -> Iterator[None]:
        self._statistics.remember()
        try:
            yield
        finally:
            self._statistics.go_back()


def recomputed(model: Model, segments: Mapping[str, str]) -> Model:
    """The model whose training graph computes segments again; gradients are the same.

    segments  the segment of each path that is in one

    Layers and weights are the same objects as before and lie on their device already.
    """
    module = model.trained
    assert isinstance(module, fx.GraphModule)
    nodes = [node for node in module.graph.nodes if node.op not in ("placeholder", "output")]
    named: dict[fx.Node, str] = {}
    path = ""
    for node in reversed(nodes):
        # lengths, masks and views have no path: they stand before the layer that they were made for
        path = node.meta.get("path") or path
        if path in segments:
            named[node] = segments[path]
    order = runs(nodes, named)
    number = {node: index for index, (_, found) in enumerate(order) for node in found}
    # in the order of before, in which random numbers are drawn
    whole = split_module(module, module, lambda node: number[node], keep_original_order=True)
    for index, (segment, _) in enumerate(order):
        if segment is not None:
            cut = whole.get_submodule(f"submod_{index}")
            assert isinstance(cut, fx.GraphModule)
            whole.add_submodule(f"submod_{index}", Recomputed(cut))
    return replace(model, trained=whole)
