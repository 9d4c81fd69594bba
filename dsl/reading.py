"""Read a spec from a file: strict UTF-8, a regular file, no larger than allowed."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from .limits import LIMITS
from .source import Source


class Unreadable(Exception):
    """A file that cannot be read as a spec, and the exit code that this means (1: its bytes, 2: usage or size)."""

    def __init__(self, message: str, exit_code: int, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.too_large = too_large


def read_source(path: Path, *, name: str | None = None, within: str | None = None) -> Source:
    """Read a spec. One byte order mark is dropped and CRLF read as LF.

    name    what messages call it, if not by its path
    within  a folder (without links) that the path lies in; no link below it is followed, whoever makes it meanwhile

    Raises Unreadable for what is no regular file, is too large, or is not text.
    """
    name = str(path) if name is None else name
    return source_of(read_bytes(path, name, within=within), name)


def source_of(content: bytes, name: str) -> Source:
    """The same for bytes that come from elsewhere, under the name that messages show. Raises Unreadable."""
    if len(content) > LIMITS.file_bytes:
        raise Unreadable(_too_large(name, LIMITS.file_bytes), 2, too_large=True)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(content[: error.start].decode("utf-8"))
        raise Unreadable(f"{name}:{place}: not UTF-8 text (byte 0x{content[error.start]:02x})", 1) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    forbidden = re.search("[\0\r]", text)
    if forbidden:
        what = "a NUL character" if forbidden[0] == "\0" else "a carriage return without a line feed"
        raise Unreadable(f"{name}:{_place(text[: forbidden.start()])}: {what} has no place in a spec", 1)
    return Source(name, text)


def read_bytes(
    path: Path, name: str, *, most: int | None = None, within: str | None = None, what: str = "a spec"
) -> bytes:
    """All of a regular file of at most so many bytes, those of a spec if nothing is said. Raises Unreadable.

    name, what  for messages
    """
    most = LIMITS.file_bytes if most is None else most
    try:
        descriptor = _open(path, within)
    except FileNotFoundError:
        raise Unreadable(f"{name}: no such file", 2) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise Unreadable(f"{name}: cannot be opened: {reason}", 2) from None
    if descriptor is None:
        raise Unreadable(f"{name}: not a regular file", 2)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{name}: not a regular file", 2)
        if status.st_size > most:
            raise Unreadable(_too_large(name, most, what), 2, too_large=True)
        with open(descriptor, "rb", closefd=False) as file:
            # the file may grow while it is read
            content = file.read(most + 1)
    except OSError as error:
        raise Unreadable(f"{name}: cannot be read: {(error.strerror or str(error)).lower()}", 2) from None
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise Unreadable(_too_large(name, most, what), 2, too_large=True)
    return content


# without O_NONBLOCK, opening a pipe waits for its other end
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


def _open(path: Path, within: str | None) -> int | None:
    """A descriptor; below `within`, folder by folder, so that a link that appears meanwhile leads nowhere.

    None for what is no regular file: opening a device can start a machine.
    """
    if within is None or os.open not in os.supports_dir_fd:
        return os.open(path, _FLAGS) if stat.S_ISREG(os.stat(path).st_mode) else None
    *folders, last = os.path.relpath(path, within).split(os.sep)
    here = os.open(within, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        if not stat.S_ISREG(os.stat(last, dir_fd=here, follow_symlinks=False).st_mode):
            return None
        return os.open(last, _FLAGS | os.O_NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)


def _too_large(name: str, most: int, what: str = "a spec") -> str:
    return f"{name}: larger than {most // 1024} KiB, which is the most {what} may have"


def _place(text_before: str) -> str:
    line = text_before.count("\n") + 1
    column = len(text_before) - (text_before.rfind("\n") + 1) + 1
    return f"{line}:{column}"
