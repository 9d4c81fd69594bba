"""Times of steps as the device takes them, without waiting for it at each one."""

from __future__ import annotations

import time
from itertools import pairwise

import torch


class Clock:
    """Marks between steps; on a GPU they are events in its own queue."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._events: list[torch.cuda.Event] = []
        self._times: list[float] = []

    def mark(self) -> None:
        """The moment at which all work that was asked for so far is done."""
        if self._device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch has no types here
            event.record(torch.cuda.current_stream(self._device))
            self._events.append(event)
        else:
            self._times.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Between each mark and the next; waits for the last one."""
        if self._device.type == "cuda":
            self._events[-1].synchronize()
            return [first.elapsed_time(second) / 1e3 for first, second in pairwise(self._events)]
        return [second - first for first, second in pairwise(self._times)]
