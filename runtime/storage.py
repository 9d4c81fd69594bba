"""Files that are either whole or not there: every write of a run goes through here.

Tests put another object with the same methods in its place to fail or end the process at every single operation.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_WAYS_OUT = {
    errno.ENOSPC: "make room or choose another place",
    errno.EDQUOT: "make room within the quota or choose another place",
    errno.EROFS: "choose a place that can be written",
    errno.EACCES: "choose a place that can be written",
    errno.EPERM: "choose a place that can be written",
    errno.EMFILE: "allow more open files, as with ulimit -n",
    errno.EFBIG: "allow larger files, as with ulimit -f",
}


class StorageError(Exception):
    """A write failed (disk full, folder read-only …); what was on disk before is untouched."""

    def __init__(self, what: str, error: OSError) -> None:
        way_out = _WAYS_OUT.get(error.errno or 0)
        super().__init__(f"{what}: {error.strerror or error}" + (f"; {way_out}" if way_out else ""))


class Storage:
    """The operations that the commit protocol is made of, each of which may fail."""

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file and bring it to the disk."""
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def rename(self, old: Path, new: Path) -> None:
        os.replace(old, new)

    def sync_folder(self, folder: Path) -> None:
        """Bring the names in a folder to the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder with what is in it."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes, storage: Storage | None = None) -> None:
    """Write a file so that a kill at any moment leaves the old one or the new one; StorageError if it cannot."""
    storage = storage or Storage()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        storage.make_folder(path.parent)
        try:
            storage.write(temporary, content)
            storage.rename(temporary, path)
            storage.sync_folder(path.parent)
        except OSError:
            storage.remove(temporary)
            raise
    except OSError as error:
        raise StorageError(f"cannot write {path}", error) from error
