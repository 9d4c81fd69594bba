"""How processes share the work of a step: each takes its part of the batch, and all add up their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from ..data.batch import Batch
from ..data.example import digest
from ..distributed import World
from ..layers.batch_norm import BatchNorm
from ..model import Model

BUCKET_BYTES = 25 * 2**20

Part = Callable[[Batch, bool], AbstractContextManager[None]]


def alone(batch: Batch, last: bool) -> AbstractContextManager[None]:
    """What is around the forward and backward pass of one process: nothing."""
    return nullcontext()


def ddp(model: Model, world: World, *, seed: int, bucket_bytes: float = BUCKET_BYTES) -> Part:
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
    counted = _Counted(world)
    for layer in model.module.modules():
        if isinstance(layer, BatchNorm):
            layer.over_all = counted
    model.trained = wrapped
    return partial(_part, wrapped, world, counted, seed)


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
    counted.counts = batch.counts
    # what is drawn at random in a step depends on nothing before it: every process goes on like one that was not ended
    torch.manual_seed(int(digest("step", seed, batch.epoch, batch.number, world.rank)) % 2**63)
    # around the forward pass too: it is there that torch decides whether the gradients of this pass travel
    with nullcontext() if last else wrapped.no_sync():
        yield
