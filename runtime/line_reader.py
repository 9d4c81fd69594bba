"""Lines of text as bytes, one after the other, from files or pipes of any size."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from .data.json_line import LINE_BYTES

_CHUNK_BYTES = 64 * 2**10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TextLine:
    """A line of a file.

    file     "" for standard input
    number   from 1
    content  without the line's end; None where it has more than LINE_BYTES
    """

    file: str
    number: int
    content: bytes | None

    @property
    def place(self) -> str:
        """`FILE:12`, or `line 12`."""
        return f"{self.file}:{self.number}" if self.file else f"line {self.number}"


def line_of_text(text: str, number: int) -> TextLine:
    """A text as a line of a nameless file."""
    return TextLine("", number, text.encode(errors="surrogatepass"))


class LineReader:
    """The lines of one stream of bytes, read as they come.

    Lines end with LF or CR LF, the last one also without; a byte order mark is no part of the first.
    """

    def __init__(self, file: str, stream: IO[bytes]) -> None:
        self._file, self._stream = file, stream
        self._lines: deque[TextLine] = deque()
        self._begun = bytearray()
        self._number = 0
        self._is_over_long = self._has_ended = False

    def __iter__(self) -> Iterator[TextLine]:
        return self

    def __next__(self) -> TextLine:
        while not self._lines:
            if self._has_ended:
                raise StopIteration
            self._read()
        return self._lines.popleft()

    def ready(self) -> bool:
        """Whether a line, or the end, is there without waiting for who writes it; true where that is not known."""
        return bool(self._lines) or self._has_ended or _has_bytes(self._stream)

    def _read(self) -> None:
        chunk = self._stream.read1(_CHUNK_BYTES) if hasattr(self._stream, "read1") else self._stream.read(_CHUNK_BYTES)
        if not chunk:
            self._has_ended = True
            if self._begun or self._is_over_long:
                self._end_line()
            return
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._add(piece)
            self._end_line()
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        self._is_over_long = self._is_over_long or len(self._begun) + len(piece) > LINE_BYTES
        if self._is_over_long:
            self._begun.clear()
        else:
            self._begun += piece

    def _end_line(self) -> None:
        self._number += 1
        content = bytes(self._begun).removesuffix(b"\r")
        if self._number == 1:
            content = content.removeprefix(_BYTE_ORDER_MARK)
        self._lines.append(TextLine(self._file, self._number, None if self._is_over_long else content))
        self._begun.clear()
        self._is_over_long = False


class LinesOfFiles:
    """The lines of several streams, one stream after the other; a stream is opened when it is its turn."""

    def __init__(self, streams: Iterable[tuple[str, IO[bytes]]]) -> None:
        self._streams = iter(streams)
        self._reader: LineReader | None = None

    def __iter__(self) -> Iterator[TextLine]:
        return self

    def __next__(self) -> TextLine:
        while True:
            if self._reader is not None:
                line = next(self._reader, None)
                if line is not None:
                    return line
            # ends with the streams
            self._reader = LineReader(*next(self._streams))

    def ready(self) -> bool:
        """Whether the next line is there without waiting for who writes it."""
        return self._reader is None or self._reader.ready()


def _has_bytes(stream: IO[bytes]) -> bool:
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        # no descriptor, or one that cannot be asked
        return True
