"""The processes that train one model together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class World:
    """One of `size` processes, each with its own device. The first one, rank 0, writes and talks."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def sum(self, value: Tensor) -> None:
        """Add up a tensor over all ranks, in place."""


ALONE = World()
