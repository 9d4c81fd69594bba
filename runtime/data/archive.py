"""Recordings inside a zip file, read member by member and never unpacked."""

from __future__ import annotations

import os
import zipfile
import zlib
from threading import Lock

from .bad_audio import BadAudio
from .budget import BUDGET, Budget
from .file_bytes import size_of
from .root import Root, check_path

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_MEMBERS = 4_000_000


class BadArchive(Exception):
    """The zip file as a whole cannot be read."""


class Archive:
    """A zip file below a data set's root. Every process that reads from it opens it anew."""

    def __init__(self, root: Root, path: str) -> None:
        self.path = path
        self._root = root
        self._file: zipfile.ZipFile | None = None
        self._process = 0
        self._lock = Lock()

    def read(self, member: str, *, budget: Budget = BUDGET) -> bytes:
        """The bytes of a member within the budget, whatever size it claims; raises BadAudio, BadArchive."""
        check_path(member)
        with self._lock:
            file = self._opened()
        try:
            info = file.getinfo(member)
        except KeyError:
            raise BadAudio("missing_file", f"the archive {self.path} has no such member") from None
        if info.is_dir():
            raise BadAudio("not_a_file", "a folder of the archive")
        if info.flag_bits & 1:
            raise BadAudio("unreadable", "the member is encrypted")
        if info.compress_type not in _METHODS:
            raise BadAudio("unsupported", f"zip compression {info.compress_type}; stored and deflated are read")
        budget.hold_file(info.file_size)
        try:
            with file.open(info) as stream:
                data = stream.read(budget.file_bytes + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise BadAudio("corrupt", f"the archive's member is damaged: {str(error)[:120]!a}") from None
        budget.hold_file(len(data))
        return data

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file = None

    def __reduce__(self) -> tuple[type[Archive], tuple[Root, str]]:
        return Archive, (self._root, self.path)

    def _opened(self) -> zipfile.ZipFile:
        # a file position is shared between a process and those forked from it
        if self._file is None or self._process != os.getpid():
            try:
                handle = self._root.open(self.path)
                size_of(handle)
                self._file = zipfile.ZipFile(os.fdopen(handle, "rb"))
            except BadAudio as error:
                raise BadArchive(f"{self.path}: {error.message}") from None
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
                raise BadArchive(f"{self.path} is not a zip file that can be read: {error}") from None
            if len(self._file.filelist) > _MOST_MEMBERS:
                raise BadArchive(f"{self.path} has more than {_MOST_MEMBERS} members")
            self._process = os.getpid()
        return self._file
