"""A training graph in units whose weights are dealt out over processes (Zhao et al. 2023; torch's fully_shard).

Each process keeps its rows of every weight. The whole weights of a unit are there while it runs, forward and backward;
behind the backward pass gradients are added up and dealt out in the same way.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.fx.passes.split_module import split_module

from ..compiler.recompute import runs
from .distributed import World


@dataclass(frozen=True)
class Sharded:
    """A module whose weights are dealt out.

    module      what to train with
    everywhere  weights that every process holds: those of a unit that have another dtype than most of it
    """

    module: nn.Module
    everywhere: tuple[nn.Parameter, ...]

    @property
    def num_units(self) -> int:
        """Runs of layers that are fetched together, with what is whole all the time as one."""
        return sum(isinstance(one, FSDPModule) for one in self.module.modules())

    @contextmanager
    def whole(self) -> Iterator[None]:
        """While entered, all weights are whole in every process, and none waits for another one to run a layer."""
        units = [one for one in self.module.modules() if isinstance(one, FSDPModule)]
        for one in units:
            one.unshard()
        try:
            yield
        finally:
            for one in units:
                one.reshard()


def sharded(
    module: fx.GraphModule,
    world: World,
    *,
    bucket_bytes: float,
    inside: Callable[[fx.GraphModule], fx.GraphModule] | None = None,
) -> Sharded:
    """The training graph with its weights dealt out over all processes; they are other parameters than before.

    bucket_bytes  weights that are fetched together: as many layers as have no more, and one at least
    inside        what is made of the layers of each unit, such as compiled pieces; they keep their weights
    """
    # our layers change no tensor in place that they are given
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = init_device_mesh(world.device.type, (world.size,))
    whole = _in_units(module, bucket_bytes, inside)
    everywhere: list[nn.Parameter] = []
    for unit in (*(one for one in whole.children() if isinstance(one, _Unit)), whole):
        own = [one for one in unit.parameters() if not any(one is other for other in everywhere)]
        others = _of_other_dtypes(own if unit is not whole else [one for one in own if not hasattr(one, "full_tensor")])
        everywhere += others
        fully_shard(
            unit,
            mesh=mesh,
            # sums of halves lose digits
            mp_policy=MixedPrecisionPolicy(reduce_dtype=torch.float32),
            ignored_params=set(everywhere),
        )
    return Sharded(whole, tuple(everywhere))


class _Unit(nn.Module):
    """A run of layers whose weights come and go together."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, *arguments: object) -> object:
        """What the layers give."""
        return self.layers(*arguments)


def _in_units(
    module: fx.GraphModule, bucket_bytes: float, inside: Callable[[fx.GraphModule], fx.GraphModule] | None
) -> fx.GraphModule:
    """The module as a row of units; what reads a weight that others read too is in none, and stays with the root."""
    nodes = [node for node in module.graph.nodes if node.op not in ("placeholder", "output")]
    read = {node: _weights(module, node) for node in nodes}
    readers = Counter(weight for found in read.values() for weight in found)
    units: dict[fx.Node, str] = {}
    unit, held = 0, 0
    for node in nodes:
        if any(readers[weight] > 1 for weight in read[node]):
            unit, held = unit + 1, 0
            continue
        size = sum(weight.numel() * weight.element_size() for weight in read[node])
        if held and held + size > bucket_bytes:
            unit, held = unit + 1, 0
        held += size
        units[node] = str(unit)
    order = runs(nodes, units)
    number = {node: index for index, (_, found) in enumerate(order) for node in found}
    # in the order of before, in which random numbers are drawn
    whole = split_module(module, module, lambda node: number[node], keep_original_order=True)
    for index, (name, found) in enumerate(order):
        if name is not None and any(read[node] for node in found):
            layers = whole.get_submodule(f"submod_{index}")
            assert isinstance(layers, fx.GraphModule)
            whole.add_submodule(f"submod_{index}", _Unit(layers if inside is None else inside(layers)))
    return whole


def _weights(module: fx.GraphModule, node: fx.Node) -> set[nn.Parameter]:
    """What a node reads of the module's weights."""
    if node.op not in ("call_module", "get_attr"):
        return set()
    owner, _, name = str(node.target).rpartition(".")
    found = getattr(module.get_submodule(owner), name)
    if isinstance(found, nn.Module):
        return set(found.parameters())
    return {found} if isinstance(found, nn.Parameter) else set()


def _of_other_dtypes(weights: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Those that have another dtype than most numbers: torch gathers and reduces one dtype at a time."""
    weights = list(weights)
    sizes: Counter[torch.dtype] = Counter()
    for one in weights:
        sizes[one.dtype] += one.numel()
    return [one for one in weights if one.dtype != sizes.most_common(1)[0][0]]
