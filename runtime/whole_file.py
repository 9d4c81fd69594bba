"""A file of lines that appears whole when it is finished."""

from __future__ import annotations

from pathlib import Path

from .storage import replace_file


class WholeFile:
    """Lines that become a file when all are there; a kill before leaves what was at its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def finish(self) -> None:
        """Bring the file to the disk; StorageError if that fails."""
        replace_file(self.path, "".join(f"{line}\n" for line in self._lines).encode())
