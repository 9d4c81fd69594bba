"""Lengths of few kinds: batches padded so that shapes come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch.nn import functional as F

from .batch import Batch

# lengths from one power of two to the next; padding adds at most a share of one in so many
PARTS = 8


def on_grid(batch: Batch, most: Mapping[str, int]) -> Batch:
    """The batch with each of its streams padded to the next length of the grid; lengths say what is real, as before.

    most  the longest that a stream may be, by path
    """
    inputs = {}
    for path, values in batch.inputs.items():
        length = values.shape[1]
        more = max(min(next_length(length), most.get(path, next_length(length))) - length, 0)
        inputs[path] = F.pad(values, (0, 0) * (values.dim() - 2) + (0, more))
    return replace(batch, inputs=inputs)


def next_length(length: int) -> int:
    """The least length of the grid that is not smaller."""
    step = max(1, (1 << max(length.bit_length() - 1, 0)) // PARTS)
    return -(-length // step) * step
