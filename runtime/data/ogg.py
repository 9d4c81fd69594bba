"""OGG pages: whether a stream is whole, which its decoders do not say."""

from __future__ import annotations

from .bad_audio import BadAudio

_PAGE_HEAD = 27
_LAST_PAGE = 0x04


def check_pages(data: bytes) -> None:
    """Raise BadAudio unless the file is a run of whole pages that ends with a stream's last page."""
    position, flags = 0, 0
    while position < len(data):
        if data[position : position + 4] != b"OggS":
            raise BadAudio("corrupt", f"no OGG page at byte {position}")
        if position + _PAGE_HEAD > len(data):
            raise BadAudio("truncated", "the last OGG page is cut off")
        flags = data[position + 5]
        segments = data[position + _PAGE_HEAD : position + _PAGE_HEAD + data[position + 26]]
        position += _PAGE_HEAD + data[position + 26] + sum(segments)
        if position > len(data):
            raise BadAudio("truncated", "the last OGG page is cut off")
    if not flags & _LAST_PAGE:
        raise BadAudio("truncated", "the OGG stream does not end: its last page is missing")
