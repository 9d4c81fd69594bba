"""WAV files: a strict reader of RIFF/WAVE with PCM or float samples."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..extras import extra
from .bad_audio import BadAudio

with extra("speech", "reading audio"):
    import numpy as np
    from numpy.typing import NDArray

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("0000000010008000 00aa00389b71")
_NAMES = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM 6.10", 85: "MP3"}
_CODINGS = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
}


@dataclass(frozen=True)
class WaveHeader:
    """What a WAV file says of itself; `start` is the offset of its first sample."""

    rate: int
    channels: int
    coding: str
    frames: int
    start: int


def is_wave(head: bytes) -> bool:
    """Whether a file starts like any kind of WAV."""
    return head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"


def read_wave_header(data: bytes, size: int) -> WaveHeader:
    """Read the header of a WAV file.

    data  the file, or as much of its start as holds the header
    size  bytes of the whole file, which the header's claims are held against
    """
    if data[:4] != b"RIFF":
        raise BadAudio("unsupported", f"{data[:4].decode('ascii')} files are not read, only little-endian RIFF")
    form: tuple[int, int, str] | None = None
    for name, start, length in _chunks(data, size):
        if name == b"fmt ":
            if form is not None:
                raise BadAudio("broken_header", "two fmt chunks")
            if start + length > size:
                raise BadAudio("truncated", "the file ends within its fmt chunk")
            form = _format(data[start : start + length], length)
        elif name == b"data":
            if form is None:
                raise BadAudio("broken_header", "the data chunk comes before the fmt chunk")
            return _header(form, start, length, size)
    if form is None:
        raise BadAudio("truncated" if size < 44 else "broken_header", "no fmt chunk")
    raise BadAudio("truncated" if size < 64 else "broken_header", "no data chunk")


def decode_wave(data: bytes, header: WaveHeader, first: int, last: int) -> NDArray[np.float32]:
    """Frames `first` up to `last` as float32 in -1 .. 1, shape (frames, channels)."""
    width = _width(header.coding) * header.channels
    body = memoryview(data)[header.start + first * width : header.start + last * width]
    return _DECODE[header.coding](body).reshape(-1, header.channels)


def _chunks(data: bytes, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and claimed length of each chunk whose head is in `data`."""
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, length
        position += 8 + length + length % 2
        if position > size + 1:
            raise BadAudio("truncated", f"the {name.decode('ascii', 'replace')!r} chunk goes past the end of the file")


def _format(body: bytes, length: int) -> tuple[int, int, str]:
    if length < 16 or len(body) < 16:
        raise BadAudio("broken_header", "the fmt chunk is too short")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        if length < 40 or len(body) < 40 or body[26:40] != _GUID_TAIL:
            raise BadAudio("unsupported", "a WAVE_FORMAT_EXTENSIBLE header that names neither PCM nor float")
        tag = struct.unpack_from("<H", body, 24)[0]
    coding = _CODINGS.get((tag, bits))
    if coding is None:
        what = {_PCM: "PCM", _FLOAT: "float"}.get(tag) or _NAMES.get(tag, f"coding {tag:#06x}")
        raise BadAudio("unsupported", f"{what} of {bits} bits; WAV is read as PCM 8, 16, 24, 32 or float 32, 64")
    if channels == 0 or rate == 0:
        raise BadAudio("broken_header", f"{channels} channels at {rate} Hz")
    if block != channels * bits // 8:
        raise BadAudio("broken_header", f"frames of {block} bytes for {channels} channels of {bits} bits")
    return rate, channels, coding


def _header(form: tuple[int, int, str], start: int, length: int, size: int) -> WaveHeader:
    rate, channels, coding = form
    width = _width(coding) * channels
    if start + length > size:
        claimed = "an unknown number of" if length == 0xFFFFFFFF else str(length)
        raise BadAudio("truncated", f"the header claims {claimed} bytes of audio, the file holds {size - start}")
    if length % width:
        raise BadAudio("truncated", f"{length} bytes of audio are not whole frames of {width} bytes")
    return WaveHeader(rate, channels, coding, length // width, start)


def _width(coding: str) -> int:
    return {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}[coding]


def _pcm_u8(body: memoryview) -> NDArray[np.float32]:
    return (np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)


def _pcm_16(body: memoryview) -> NDArray[np.float32]:
    return np.frombuffer(body, "<i2").astype(np.float32) / np.float32(2**15)


def _pcm_24(body: memoryview) -> NDArray[np.float32]:
    padded = np.zeros((len(body) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
    return (padded.view("<i4")[:, 0] / 2**31).astype(np.float32)


def _pcm_32(body: memoryview) -> NDArray[np.float32]:
    return (np.frombuffer(body, "<i4") / 2**31).astype(np.float32)


def _float(body: memoryview) -> NDArray[np.float32]:
    return np.frombuffer(body, "<f4").astype(np.float32)


def _double(body: memoryview) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.frombuffer(body, "<f8").astype(np.float32)


_DECODE = {
    "PCM_U8": _pcm_u8,
    "PCM_16": _pcm_16,
    "PCM_24": _pcm_24,
    "PCM_32": _pcm_32,
    "FLOAT": _float,
    "DOUBLE": _double,
}
