"""How processes share the work of a step: each takes its part of the batch, and all add up their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, fx, nn
from torch.nn.parallel import DistributedDataParallel

from ..compiled import compiled_graph
from ..data.batch import Batch
from ..data.example import digest
from ..distributed import World
from ..layers.batch_norm import BatchNorm
from ..model import Model
from ..sharded import Sharded, sharded

Part = Callable[[Batch, bool], AbstractContextManager[None]]


def alone(batch: Batch, last: bool) -> AbstractContextManager[None]:
    """What is around the forward and backward pass of one process: nothing."""
    return nullcontext()


def ddp(model: Model, world: World, *, seed: int, bucket_bytes: float) -> Part:
    """Give every process all weights; gradients are averaged in buckets while the backward pass goes on.

    bucket_bytes  gradients that travel together

    Gives what is to be entered around the forward and backward pass of each batch, told whether it is the step's last:
    gradients of the others stay where they are until then.
    """
    device_ids = [world.device.index] if world.device.type == "cuda" else None
    wrapped = DistributedDataParallel(
        model.trained,
        device_ids=device_ids,
        # normalisations count over all processes, so what they remember is the same everywhere
        forward_sync_buffers=False,
        gradient_as_bucket_view=True,
        bucket_cap_mb=bucket_bytes / 2**20,
    )
    model.trained = wrapped
    return partial(_part, wrapped, world, _counted(model, world), seed)


def fsdp(model: Model, world: World, *, seed: int, bucket_bytes: float, compile: bool = False) -> tuple[Part, Sharded]:
    """Give every process its shard of all weights; the model's parameters are other ones from here on.

    bucket_bytes  weights that are fetched, and gradients that travel, together
    compile       whether layers that are fetched together run in compiled pieces

    Gives what `ddp` gives, and what makes weights whole for a time. The gradients of each batch travel as they arise:
    kept until a step's last one they would be whole.
    """
    assert isinstance(model.trained, fx.GraphModule)
    found = sharded(model.trained, world, bucket_bytes=bucket_bytes, inside=compiled_graph if compile else None)
    model.trained = found.module
    return partial(_sharded_part, found.everywhere, world, _counted(model, world), seed), found


def _counted(model: Model, world: World) -> _Counted:
    counted = _Counted(world)
    for layer in model.module.modules():
        if isinstance(layer, BatchNorm):
            layer.over_all = counted
    return counted


class _Counted:
    """A sum over all processes, and whether the rows of this one count or only stand in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts = True

    def __call__(self, tensor: Tensor) -> Tensor:
        return self.world.sum(tensor)


@contextmanager
def _part(
    wrapped: DistributedDataParallel, world: World, counted: _Counted, seed: int, batch: Batch, last: bool
) -> Iterator[None]:
    _begin(world, counted, seed, batch)
    # around the forward pass too: it is there that torch decides whether the gradients of this pass travel
    with nullcontext() if last else wrapped.no_sync():
        yield


@contextmanager
def _sharded_part(
    everywhere: Sequence[nn.Parameter], world: World, counted: _Counted, seed: int, batch: Batch, last: bool
) -> Iterator[None]:
    _begin(world, counted, seed, batch)
    yield
    for one in everywhere:
        if one.grad is not None:
            one.grad = (world.sum(one.grad.float()) / world.size).to(one.grad.dtype)


def _begin(world: World, counted: _Counted, seed: int, batch: Batch) -> None:
    counted.counts = batch.counts
    # what is drawn at random in a step depends on nothing before it: every process goes on like one that was not ended
    torch.manual_seed(int(digest("step", seed, batch.epoch, batch.number, world.rank)) % 2**63)
