"""Norms of single tensors, whole ones or shards, without a word to the host."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor


def norms(tensors: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of each tensor as one float32 vector; shards of a tensor count as the whole."""
    local = [one.to_local() if isinstance(one, DTensor) else one for one in tensors]
    found = torch.stack(torch._foreach_norm(local, 2, torch.float32))
    sharded = [one for one in tensors if isinstance(one, DTensor) and any(place.is_shard() for place in one.placements)]
    if not sharded:
        return found
    is_shard = torch.tensor([any(one is other for other in sharded) for one in tensors], device=found.device)
    squares = torch.where(is_shard, found.square(), 0.0)
    mesh, places = sharded[0].device_mesh, sharded[0].placements
    for axis, place in enumerate(places):
        if place.is_shard():
            dist.all_reduce(squares, group=mesh.get_group(axis))
    return torch.where(is_shard, squares.sqrt(), found)
