"""The size of a batch as a spec says it and as the sampler counts it."""

from __future__ import annotations

from ...dsl.values import Quantity
from .sampler import BatchSize


def batch_size(batch: Quantity | int, *, parts: int = 1) -> BatchSize:
    """`64 examples`, `8192 tokens` or `320s` as the sampler counts them, for each of several parts."""
    if isinstance(batch, int):
        return BatchSize(batch, parts=parts)
    if batch.family == "time":
        return BatchSize(float(batch.amount), "seconds", parts)
    return BatchSize(batch.amount, "tokens" if batch.family == "tokens" else "examples", parts)
