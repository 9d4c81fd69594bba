"""Tensors that are dealt out over processes: the part that lies here, the whole, and figures over all parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Placement, Replicate, distribute_tensor


def local(tensors: Iterable[Tensor]) -> list[Tensor]:
    """What lies here of each tensor, in the same memory; whole tensors as they are."""
    with torch.no_grad():
        return [one.to_local() if isinstance(one, DTensor) else one for one in tensors]


def own_rows(tensors: Mapping[str, Tensor], *, first: bool) -> dict[str, Tensor]:
    """What one process keeps of tensors, so that all of them keep each row once.

    first  whether it is the process that keeps what is not dealt out
    """
    found = {}
    for name, tensor in tensors.items():
        rows = local([tensor])[0]
        # a process may have nothing of a short tensor
        if first or (_is_sharded(tensor) and rows.shape[0]):
            found[name] = rows
    return found


def is_dealt_out(tensor: Tensor) -> bool:
    """Whether it counts as dealt out, even if all of it lies here."""
    return isinstance(tensor, DTensor)


def dealt_out(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor that every process has, dealt out as another one is; in its memory where that is whole.

    A state that holds one number for all rows of a weight is whole everywhere.
    """
    if not isinstance(like, DTensor):
        return tensor
    sides = tensor.shape == like.shape or (tensor.dim() == like.dim() and tensor.shape[0] == like.shape[0] > 1)
    return _placed(tensor, like.device_mesh, like.placements if sides else [Replicate()] * len(like.placements))


def everywhere(tensor: Tensor, like: Iterable[Tensor]) -> Tensor:
    """A copy that counts as one of those that are dealt out, whole in every process; as it is where none is.

    Operations on lists take tensors of one kind.
    """
    found = next((one for one in like if isinstance(one, DTensor)), None)
    if found is None or isinstance(tensor, DTensor):
        return tensor
    return _placed(tensor.clone(), found.device_mesh, [Replicate()] * found.device_mesh.ndim)


def fitted(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state of whole tensors as a module takes it whose own state is dealt out, name by name."""
    return {
        name: dealt_out(value, own[name]) if name in own and own[name].shape == value.shape else value
        for name, value in state.items()
    }


def total_norm(tensors: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of all tensors together, []."""
    sharded = [one for one in tensors if isinstance(one, DTensor) and _is_sharded(one)]
    if not sharded:
        return torch.nn.utils.get_total_norm(tensors, foreach=True)
    # float64: a norm that float32 holds has a square that it may not hold
    square = partial(_square, device=sharded[0].to_local().device)
    here = square(local(sharded))
    for group in _groups(sharded[0]):
        dist.all_reduce(here, group=group)
    return (here + square(local(one for one in tensors if not _is_sharded(one)))).sqrt().float()


def largest(tensors: Sequence[Tensor]) -> Tensor:
    """The greatest magnitude in all tensors, []."""
    sharded = [one for one in tensors if isinstance(one, DTensor) and _is_sharded(one)]
    # a process may have nothing of a short tensor
    here = [one for one in local(tensors) if one.numel()]
    found = torch.stack(torch._foreach_norm(here, float("inf"))).max() if here else torch.zeros(())
    for group in _groups(sharded[0]) if sharded else ():
        found = found.to(sharded[0].to_local().device)
        dist.all_reduce(found, dist.ReduceOp.MAX, group=group)
    return found


def _square(tensors: list[Tensor], *, device: torch.device) -> Tensor:
    if not tensors:
        return torch.zeros((), dtype=torch.float64, device=device)
    return torch.stack(torch._foreach_norm(tensors, 2, torch.float32)).double().square().sum()


def _is_sharded(tensor: Tensor) -> bool:
    return isinstance(tensor, DTensor) and any(place.is_shard() for place in tensor.placements)


def _groups(tensor: DTensor) -> list[dist.ProcessGroup]:
    mesh = tensor.device_mesh
    return [mesh.get_group(axis) for axis, place in enumerate(tensor.placements) if place.is_shard()]


def _placed(tensor: Tensor, mesh: DeviceMesh, placements: Sequence[Placement]) -> Tensor:
    # every process has it, so nothing travels
    found: Tensor = distribute_tensor(tensor.to(mesh.device_type), mesh, placements, src_data_rank=None)
    return found
