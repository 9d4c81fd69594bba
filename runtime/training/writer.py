"""Checkpoints written while training goes on."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..checkpoint import Checkpoint
from ..storage import StorageError


@dataclass
class Writer:
    """Writes one checkpoint at a time in a thread of its own.

    What it writes is a copy, so that training may go on; a process that ends at once leaves the write half done, which
    the commit protocol is for.
    """

    _thread: threading.Thread | None = None
    _errors: list[BaseException] = field(default_factory=list)

    def start(self, write: Callable[[], object]) -> None:
        """Write; the one before has been waited for."""
        assert self._thread is None, "the write before was not waited for"

        def run() -> None:
            try:
                write()
            except BaseException as error:
                self._errors.append(error)

        self._thread = threading.Thread(target=run, name="checkpoint", daemon=True)
        self._thread.start()

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


def copied(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint that no step changes any more, in the memory of the host."""
    tensors = {
        group: {name: tensor.detach().to("cpu", copy=True) for name, tensor in held.items()}
        for group, held in checkpoint.tensors.items()
    }
    return replace(checkpoint, tensors=tensors, state=copy.deepcopy(dict(checkpoint.state)))
