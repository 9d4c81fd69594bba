"""Checkpoints written while training goes on."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..checkpoint import Checkpoint
from ..shards import own_rows
from ..storage import StorageError


@dataclass
class Writer:
    """Writes one checkpoint at a time in a thread of its own.

    What it writes is a copy, so that training may go on; a process that ends at once leaves the write half done, which
    the commit protocol is for.

    result  what the last write gave that was waited for
    """

    result: Any = None
    _thread: threading.Thread | None = None
    _errors: list[BaseException] = field(default_factory=list)

    def start(self, write: Callable[[], object]) -> None:
        """Write; the one before has been waited for."""
        assert self._thread is None, "the write before was not waited for"

        def run() -> None:
            try:
                self.result = write()
            except BaseException as error:
                self._errors.append(error)

        self._thread = threading.Thread(target=run, name="checkpoint", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it is writing."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> StorageError | None:
        """Wait for the write under way, if there is one; why it failed, if the storage did."""
        if self._thread is None:
            return None
        self._thread.join()
        self._thread = None
        error = self._errors.pop() if self._errors else None
        if error is None or isinstance(error, StorageError):
            return error
        raise error


def copied(checkpoint: Checkpoint, *, first: bool = True) -> Checkpoint:
    """What this process writes of a checkpoint, in the memory of the host, where no step changes it any more.

    first  whether it is the first process, which writes what is not dealt out
    """
    tensors = {
        group: {name: rows.detach().to("cpu", copy=True) for name, rows in own_rows(held, first=first).items()}
        for group, held in checkpoint.tensors.items()
    }
    return replace(checkpoint, tensors=tensors, state=copy.deepcopy(dict(checkpoint.state)))
