"""A file of lines that appears whole when it is finished."""

from __future__ import annotations

import os
from pathlib import Path

from .storage import StorageError, replace_file


class WholeFile:
    """Lines that become a file when all are there; a kill before leaves what was at its place.

    A link is followed. What is there and is no file, such as a pipe or /dev/null, is written to and never replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def finish(self) -> None:
        """Bring the file to the disk; StorageError if that fails."""
        content = "".join(f"{line}\n" for line in self._lines).encode()
        if self.path.is_file() or not self.path.exists():
            replace_file(Path(os.path.realpath(self.path)), content)
            return
        try:
            # unbuffered, so that a failure is found here
            with open(self.path, "wb", buffering=0) as stream:
                rest = memoryview(content)
                while rest:
                    rest = rest[stream.write(rest) :]
        except OSError as error:
            raise StorageError(f"cannot write {self.path}", error) from error
