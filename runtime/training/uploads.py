"""Batches on the device before their step begins."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

import torch

from ..data.batch import Batch

Steps = Generator[tuple[list[Batch], int, int], None, None]
Uploaded = tuple[list[Batch], list[Batch], int, int]


def unchanged(batch: Batch) -> Batch:
    """The batch."""
    return batch


def uploaded(
    steps: Steps, device: torch.device, *, shaped: Callable[[Batch], Batch] = unchanged
) -> Generator[Uploaded, None, None]:
    """Each step's batches on the host and on the device, and the place behind them; closes `steps` at its end.

    shaped  what is made of a batch on the device

    To a GPU they are copied in a queue of their own, the next step's while this one's work goes on; so they are asked
    for a step ahead. What works with them waits for their copies alone.
    """
    with closing(steps):
        if device.type == "cuda":
            yield from _ahead(steps, device, shaped)
        else:
            for held, epoch, following in steps:
                yield held, [shaped(batch.to(device)) for batch in held], epoch, following


def _ahead(steps: Steps, device: torch.device, shaped: Callable[[Batch], Batch]) -> Generator[Uploaded, None, None]:
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types here
    last: tuple[Uploaded, torch.cuda.Event] | None = None
    for held, epoch, following in steps:
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types here
        with torch.cuda.stream(side):
            there = [shaped(batch.to(device)) for batch in held]
            copied.record(side)
        if last is not None:
            yield _handed_over(*last, device)
        last = (held, there, epoch, following), copied
    if last is not None:
        yield _handed_over(*last, device)


def _handed_over(step: Uploaded, copied: torch.cuda.Event, device: torch.device) -> Uploaded:
    queue = torch.cuda.current_stream(device)
    queue.wait_event(copied)
    for batch in step[1]:
        for tensor in (*batch.inputs.values(), *batch.lengths.values()):
            # its memory is the other queue's, which must not use it again before this one is done with it
            tensor.record_stream(queue)
    return step
