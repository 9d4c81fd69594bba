"""The bytes of regular files, within a budget."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .bad_audio import BadAudio
from .budget import BUDGET, Budget


def read_file(path: Path, *, budget: Budget = BUDGET) -> bytes:
    """The bytes of a regular file within the budget; raises BadAudio."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise unreadable(error) from None
    return read_handle(handle, budget=budget)


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
    """What a failed open means."""
    if isinstance(error, ValueError):
        return BadAudio("unreadable", "the path holds a NUL character")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return BadAudio("missing_file", "there is no such file")
    if error.errno == errno.EISDIR:
        return BadAudio("not_a_file", "not a regular file")
    return BadAudio("unreadable", (error.strerror or "cannot be read").lower())
