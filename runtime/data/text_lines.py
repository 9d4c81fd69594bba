"""The lines of text files below a root, plain or compressed by gzip, held to limits."""

from __future__ import annotations

import gzip
import io
import os
import re
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from .bad_audio import BadAudio
from .file_bytes import size_of, unreadable
from .json_line import LINE_BYTES, BadRecord
from .root import Root

_GZIP = b"\x1f\x8b"
_UNREAD = {
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"PK\x03\x04": "is a zip file; plain text and gzip are read",
    b"BZh": "is compressed by bzip2; plain text and gzip are read",
    b"\xfd7zXZ": "is compressed by xz; plain text and gzip are read",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; plain text and gzip are read",
}
# What ends a line for some readers and not for others, and what no text needs. Tabs are spaces.
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BadTextFile(Exception):
    """A file that cannot be read, or not to its end."""


@dataclass(frozen=True)
class TextLimits:
    """What is read of one file: bytes after decompression, and lines."""

    file_bytes: int = 4 * 2**30
    lines: int = 50_000_000


LIMITS = TextLimits()


def read_lines(root: Root, path: str, *, limits: TextLimits = LIMITS) -> Iterator[bytes]:
    """The lines of a file below a root, without their ends (a line feed, or a carriage return before it).

    Only a line feed ends a line, so two files stay in step whatever is in them. A line longer than LINE_BYTES is cut
    behind its first LINE_BYTES + 1 bytes. Raises BadTextFile.
    """
    try:
        handle = root.open(path)
        size_of(handle)
    except BadAudio as error:
        raise BadTextFile(f"{path}: {error.message}") from None
    with os.fdopen(handle, "rb") as file:
        try:
            start = file.peek(8)[:8]
            for magic, what in _UNREAD.items():
                if start.startswith(magic):
                    raise BadTextFile(f"{path} {what}")
            if not start.startswith(_GZIP):
                yield from _lines(file, path, limits)
                return
            with closing(gzip.GzipFile(fileobj=file)) as unzipped:
                yield from _lines(io.BufferedReader(unzipped, 1 << 17), path, limits)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadTextFile(f"{path}: the gzip file is damaged: {str(error)[:120]!a}") from None
        except OSError as error:
            raise BadTextFile(f"{path}: {unreadable(error).message}") from None


def text_of(raw: bytes) -> str:
    """A line as composed text (NFC) without spaces at its ends; raises BadRecord."""
    if len(raw) > LINE_BYTES:
        raise BadRecord("line_too_long", f"longer than {LINE_BYTES // 2**10} KiB")
    try:
        return checked_text(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRecord("not_utf8", f"byte {error.start + 1} of the line is not UTF-8") from None


def checked_text(text: str) -> str:
    """Text in composed characters (NFC) without spaces at its ends; raises BadRecord for an empty or a broken one."""
    control = CONTROL.search(text)
    if control:
        found = f"U+{ord(control[0]):04X} at character {control.start() + 1}"
        if "\ud800" <= control[0] <= "\udfff":
            raise BadRecord("not_utf8", f"half of a surrogate pair, {found}")
        raise BadRecord("control_character", found)
    composed = unicodedata.normalize("NFC", text).strip()
    if not composed:
        raise BadRecord("empty_text", "an empty line")
    return composed


def _lines(file: io.BufferedIOBase, path: str, limits: TextLimits) -> Iterator[bytes]:
    num_lines = num_bytes = 0
    while raw := file.readline(LINE_BYTES + 2):
        num_lines += 1
        num_bytes += len(raw)
        if num_lines == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        whole = raw.endswith(b"\n")
        line = raw.removesuffix(b"\n").removesuffix(b"\r") if whole else raw
        while not whole:
            rest = file.readline(LINE_BYTES)
            num_bytes += len(rest)
            whole = rest.endswith(b"\n") or not rest
            if num_bytes > limits.file_bytes:
                break
        if num_bytes > limits.file_bytes:
            raise BadTextFile(f"{path}: larger than {limits.file_bytes / 2**30:g} GiB of text")
        if num_lines > limits.lines:
            raise BadTextFile(f"{path}: more than {limits.lines:,} lines")
        yield line[: LINE_BYTES + 1]
