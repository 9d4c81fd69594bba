"""The folder that holds a data set, out of which no path leads."""

from __future__ import annotations

import os
from pathlib import Path

from .bad_audio import BadAudio
from .budget import BUDGET, Budget
from .file_bytes import patiently, read_handle, unreadable


class Root:
    """A data set's folder. Every file below it is opened through `open`.

    A path is relative; its links are followed as long as they stay inside. What the links led to is then opened
    component by component without following any link, so exchanging one meanwhile gains nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._real = os.path.realpath(folder)

    def open(self, path: str) -> int:
        """A descriptor of the file at a relative path; raises BadAudio."""
        check_path(path)
        real = os.path.realpath(os.path.join(self._real, path))
        if os.path.commonpath([self._real, real]) != self._real:
            raise BadAudio("outside_root", f"{path!a} leads out of the data's root")
        pieces = os.path.relpath(real, self._real).split(os.sep)
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
        try:
            folder = os.open(self._real, flags | os.O_DIRECTORY)
            try:
                for piece in pieces[:-1]:
                    inner = os.open(piece, flags | os.O_DIRECTORY, dir_fd=folder)
                    os.close(folder)
                    folder = inner
                return os.open(pieces[-1], flags, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise unreadable(error) from None

    def read(self, path: str, *, budget: Budget = BUDGET) -> bytes:
        """The bytes of the regular file at a relative path; raises BadAudio."""
        return patiently(lambda: read_handle(self.open(path), budget=budget))

    def exists(self, path: str) -> bool:
        """Whether a relative path leads to something inside the root."""
        try:
            os.close(self.open(path))
        except BadAudio:
            return False
        return True


def check_path(path: str) -> None:
    """Refuse a path that could leave a root by its spelling alone; raises BadAudio."""
    if "\0" in path:
        raise BadAudio("unreadable", "the path holds a NUL character")
    if len(path) > 4096 or any(len(piece) > 255 for piece in path.split("/")):
        raise BadAudio("unreadable", "the path is too long")
    if path.startswith(("/", "\\", "~")) or path[1:2] == ":" or ".." in path.replace("\\", "/").split("/"):
        raise BadAudio("outside_root", f"{path!a} leads out of the data's root")
