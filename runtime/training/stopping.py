"""Ctrl-C, SIGTERM and SIGUSR1: finish the step, write a checkpoint, say how to go on."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class StopRequest:
    """While entered, the first signal sets `requested` and a second one ends the process at once.

    Checkpoints are whole or not there, so ending at once loses the steps since the last one and nothing else.
    Outside the main thread, where Python allows no handlers, nothing is caught.

    heard   the signal that this process got, 0 for none
    agreed  the one that all processes know of: they end after the same step; None where there is one process
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

    def __init__(self) -> None:
        self.heard = 0
        self.agreed: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> str | None:
        """The signal that ends training, by name."""
        number = self.heard if self.agreed is None else self.agreed
        return signal.Signals(number).name if number else None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.heard:
            raise KeyboardInterrupt
        self.heard = number
