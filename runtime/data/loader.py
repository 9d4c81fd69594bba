"""Batches made ahead of time by worker processes, which may die or hang without a batch being lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from ..extras import extra
from .batch import Batch
from .example import Problem

with extra("train", "training"):
    import torch
    import torch.multiprocessing  # registers how tensors travel between processes: as shared memory

TIMEOUT_SECONDS = 120.0
MOST_RESTARTS = 3
_AHEAD = 2  # batches for each worker


class WorkerFailed(Exception):
    """Data workers died or hung again and again."""


@dataclass(frozen=True)
class Made:
    """What is made for a number: a batch (None where no row can be used), and what was wrong with the other rows."""

    batch: Batch | None
    problems: tuple[Problem, ...] = ()


def load(
    make: Callable[[int], Made],
    numbers: range,
    *,
    num_workers: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
    warn: Callable[[str], None] = lambda message: None,
) -> Generator[Made, None, None]:
    """Make the batches of the given numbers, in order.

    make         a batch by its number, the same whenever and wherever it is called
    num_workers  processes that work ahead; 0: each batch is made when it is asked for

    Workers that die, or give nothing for `timeout_seconds`, are replaced from the first batch that was not handed over
    on. Raises WorkerFailed when that happens MOST_RESTARTS times without a batch in between. What `make` raises, is
    raised here.

    Not torch's DataLoader: it tells of a killed worker through a signal handler that raises in whatever the main thread
    is doing, for instance a training step, and without that handler only after the time-out.
    """
    if num_workers == 0:
        yield from map(make, numbers)
        return
    done, failures = 0, 0
    while done < len(numbers):
        try:
            for made in _ahead(make, numbers[done:], num_workers, timeout_seconds):
                done, failures = done + 1, 0
                yield made
        except (_Died, _Hung) as fault:
            failures += 1
            if failures > MOST_RESTARTS:
                raise WorkerFailed(f"{fault}, {failures} times in a row, at batch {numbers[done]}") from None
            warn(f"{fault} at batch {numbers[done]}; the workers are started again")


class _Died(Exception):
    def __str__(self) -> str:
        return "a data worker died (killed, or out of memory or of shared memory)"


class _Hung(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"data workers gave nothing for {seconds:g} s")


def _ahead(make: Callable[[int], Made], numbers: range, num_workers: int, timeout_seconds: float) -> Iterator[Made]:
    # forked workers share the decoded recordings with this process instead of copying them
    method = "fork" if sys.platform == "linux" else None
    pool = ProcessPoolExecutor(
        num_workers, torch.multiprocessing.get_context(method), initializer=_prepare, initargs=(make, os.getpid())
    )
    waiting: deque[Future[Made]] = deque()
    upcoming = iter(numbers)
    try:
        while True:
            for number in upcoming:
                waiting.append(pool.submit(_make, number))
                if len(waiting) >= _AHEAD * num_workers:
                    break
            if not waiting:
                return
            try:
                made = waiting.popleft().result(timeout_seconds)
            except TimeoutError:
                raise _Hung(timeout_seconds) from None
            yield made
    except BrokenProcessPool:
        raise _Died from None
    finally:
        _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers now: whatever they still do is made anew when it is wanted."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


_maker: list[Callable[[int], Made]] = []


def _prepare(make: Callable[[int], Made], parent: int) -> None:
    """Set a new worker up: it ends with its parent, and leaves signals that the whole group gets to the trainer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _maker[:] = [make]


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _make(number: int) -> Made:
    return _maker[0](number)
