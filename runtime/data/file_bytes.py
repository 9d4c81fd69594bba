"""The bytes of regular files, within a budget.

A disk or a network that fails for a moment is asked again; only what goes on failing is a fault of the file. What this
process lacks to open any file ends the work: no record is to blame.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from .bad_audio import BadAudio
from .budget import BUDGET, Budget
from .tally import BadData

WAITS_SECONDS = (0.1, 1.0)
_PASSING = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENETDOWN})
_OURS = {
    errno.EMFILE: "allow more open files, as with ulimit -n, or use fewer `workers`",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "the machine has no memory left: use fewer `workers`",
}


class PassingFailure(BadAudio):
    """A failed read that may do better a moment later."""


def read_file(path: Path, *, budget: Budget = BUDGET) -> bytes:
    """The bytes of a regular file within the budget; raises BadAudio."""

    def read() -> bytes:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise unreadable(error) from None
        return read_handle(handle, budget=budget)

    return patiently(read)


def patiently(read: Callable[[], bytes]) -> bytes:
    """What a function reads; it is called again where it fails as a disk or a network may for a moment."""
    for seconds in WAITS_SECONDS:
        try:
            return read()
        except PassingFailure:
            time.sleep(seconds)
    return read()


def read_handle(handle: int, *, budget: Budget = BUDGET) -> bytes:
    """The bytes behind an open descriptor, which is closed; raises BadAudio."""
    num_bytes = size_of(handle)
    with os.fdopen(handle, "rb") as file:
        budget.hold_file(num_bytes)
        try:
            data = file.read(budget.file_bytes + 1)
        except OSError as error:
            raise unreadable(error) from None
    budget.hold_file(len(data))
    return data


def size_of(handle: int) -> int:
    """The size of an open regular file; anything else is closed and refused with BadAudio."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise BadAudio("not_a_file", "not a regular file")
    return status.st_size


def unreadable(error: OSError | ValueError) -> BadAudio:
    """What a failed open or read means; raises BadData where no file could be opened."""
    if isinstance(error, ValueError):
        return BadAudio("unreadable", "the path holds a NUL character")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return BadAudio("missing_file", "there is no such file")
    if error.errno == errno.EISDIR:
        return BadAudio("not_a_file", "not a regular file")
    said = (error.strerror or "cannot be read").lower()
    if error.errno in _OURS:
        raise BadData("reading", f"the data cannot be read: {said}; {_OURS[error.errno]}") from None
    return (PassingFailure if error.errno in _PASSING else BadAudio)("unreadable", said)
