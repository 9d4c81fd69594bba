"""The processes that train one model together, and what they tell each other."""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .device import torch_device
from .extras import extra
from .place_in_world import Place, found_place
from .run_folder import RunError

with extra("train", "training"):
    import torch
    import torch.distributed as dist
    from torch import Tensor


class PeerLost(Exception):
    """Another process died, or gave no sign for longer than the time-out."""


# A peer that died is noticed at once, one that hangs after this; the first step may compile for minutes.
TIMEOUT_SECONDS = 600.0
CPU = torch.device("cpu")


@dataclass(frozen=True)
class World:
    """One of `size` processes; every one of them calls each method below the same number of times, in the same order.

    rank        its number; rank 0 alone writes and talks
    local_rank  its number on its machine
    device      where its tensors are

    With one process nothing is exchanged, and no method costs anything.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and talks."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.size == 1

    def sum(self, tensor: Tensor) -> Tensor:
        """Add a tensor up over all processes, in place. On a GPU nothing waits for it on the host."""
        if not self.alone:
            dist.all_reduce(tensor, dist.ReduceOp.SUM)
        return tensor

    def max(self, tensor: Tensor) -> Tensor:
        """The largest of all processes, element by element, in place."""
        if not self.alone:
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor

    def agree(self, value: bool) -> bool:
        """Whether it is so in any process; waits for all of them."""
        return value if self.alone else bool(self.max(torch.tensor(int(value))).item())

    def largest(self, *numbers: float) -> list[float]:
        """The largest of each number over all processes; waits for all of them, but for no GPU."""
        return list(numbers) if self.alone else self.max(torch.tensor(numbers, dtype=torch.float64)).tolist()

    def tell(self, value: Any = None) -> Any:
        """What rank 0 gave here, in every process: anything that JSON can say."""
        return value if self.alone else self._parts(value if self.is_first else None)[0]

    def gather(self, value: Any) -> list[Any]:
        """What every process gave here, by rank, in every process: anything that JSON can say."""
        return [value] if self.alone else self._parts(value)

    def barrier(self) -> None:
        """Wait for all processes."""
        if not self.alone:
            self.max(torch.zeros(1))

    def _parts(self, value: Any) -> list[Any]:
        # bytes of JSON: torch's own exchange of objects would unpickle what a peer sends
        own = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(sizes, torch.tensor([len(own)]))
        longest = max(int(size) for size in sizes)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(own)] = own
        found = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(found, padded)
        return [json.loads(one[: int(size)].numpy().tobytes()) for one, size in zip(found, sizes, strict=True)]


ALONE = World()


@contextmanager
def joined(environment: Mapping[str, str], device: str = "auto") -> Iterator[World]:
    """Meet the processes that the environment tells of, if any, and leave them at the end.

    device   "cpu", "cuda" or "auto"; of several GPUs each process takes the one of its number

    Raises RunError.
    """
    place = found_place(environment)
    timeout_seconds = float(environment.get("S2SC_TIMEOUT_SECONDS", TIMEOUT_SECONDS))
    if place is None:
        yield World(device=torch_device(device))
        return
    if dist.is_initialized():
        raise RunError("this process has joined others already")
    with _lost_named(place.rank):
        store = dist.TCPStore(  # type: ignore[attr-defined]  # torch's stubs do not export it
            place.address,
            place.port,
            place.size,
            is_master=place.rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True",
            timeout=timedelta(seconds=timeout_seconds),
        )
    attempts = dist.PrefixStore  # type: ignore[attr-defined]  # torch's stubs do not export it
    # each start of the workers writes below a name of its own: the agent's store outlives them
    attempt = environment.get("TORCHELASTIC_RESTART_COUNT", "0")
    with meeting(place, attempts(f"s2sc.{attempt}", store), device, timeout_seconds=timeout_seconds) as world:
        yield world


@contextmanager
def meeting(
    place: Place, store: Any, device: str = "auto", *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Iterator[World]:
    """Join the processes that meet in a store of torch's: nccl carries GPU tensors, gloo those of the CPU."""
    own = _own_device(device, place.local_rank)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    with _lost_named(place.rank):
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if own.type == "cuda" else "gloo",
            store=store,
            rank=place.rank,
            world_size=place.size,
            timeout=timedelta(seconds=timeout_seconds),
            device_id=own if own.type == "cuda" else None,
        )
        try:
            yield World(place.rank, place.size, place.local_rank, own)
        except BaseException:
            # Work may be under way. Were a DDP module's reference to the group the last one, torch would wait with the
            # interpreter's lock in its hand for a thread that wants the lock.
            _UNFINISHED.append(dist.group.WORLD)
            raise
        finally:
            dist.destroy_process_group()


@contextmanager
def _lost_named(rank: int) -> Iterator[None]:
    """Let what torch says of a peer that is gone be a PeerLost."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or any(word in str(error).lower() for word in _OF_PEERS):
            said = str(error).splitlines()[0][:200]
            atexit.register(_end_at_once)
            raise PeerLost(f"process {rank}: another process is gone or hangs ({said})") from error
        raise


# what gloo says of them
_OF_PEERS = ("gloo", "peer", "timeout", "timed out")
_UNFINISHED: list[Any] = []


def _end_at_once() -> None:
    """End without torch's own clearing up, which may wait for the peer that is lost."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(os.EX_SOFTWARE)


def _own_device(name: str, local_rank: int) -> torch.device:
    device = torch_device(name)
    if device.type != "cuda":
        return device
    if ":" in name:
        raise RunError(f"several processes cannot share {device}: use --device cuda, and each takes one GPU")
    if local_rank >= torch.cuda.device_count():
        raise RunError(f"process {local_rank} of this machine finds {torch.cuda.device_count()} GPUs: start fewer")
    return torch.device("cuda", local_rank)
