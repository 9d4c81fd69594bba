"""A batch of examples as tensors, padded with zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..extras import extra

with extra("train", "training"):
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """What one step takes.

    inputs   by path: "data.audio.waveform" float32 [B, N], "data.text" int64 [B, U]; or "data.source" int64 [B, S],
             "data.target" and "data.target.shifted" int64 [B, U]
    lengths  by the same paths: int64 [B]
    ids      of each row; a joined row has its first clip's, a pair of texts its file and line
    texts    what each row is measured against: what was said, or the reference translation
    epoch, number   the place in the epoch's order: a run continues with `start_batch = number + 1`
    skipped  rows that this batch lost to bad input
    seconds  how long each row's audio lasts; empty for texts
    counts   False for rows that only stand in where a process has no part of its own: others take them in earnest
    total    rows of all processes' parts together; 0 where there is one process
    """

    inputs: Mapping[str, Tensor]
    lengths: Mapping[str, Tensor]
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    epoch: int
    number: int
    skipped: int = 0
    seconds: tuple[float, ...] = ()
    counts: bool = True
    total: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str, *, non_blocking: bool = True) -> Batch:
        """The same batch on a device."""
        return replace(
            self,
            inputs={path: value.to(device, non_blocking=non_blocking) for path, value in self.inputs.items()},
            lengths={path: value.to(device, non_blocking=non_blocking) for path, value in self.lengths.items()},
        )

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, from which copies to a GPU run beside its work."""
        return replace(
            self,
            inputs={path: value.pin_memory() for path, value in self.inputs.items()},
            lengths={path: value.pin_memory() for path, value in self.lengths.items()},
        )
