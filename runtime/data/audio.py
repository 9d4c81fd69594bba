"""Recordings as samples: WAV, FLAC or OGG, mixed down to mono and resampled, within a decode budget."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..extras import extra
from .bad_audio import BadAudio
from .budget import BUDGET, Budget
from .file_bytes import read_file
from .ogg import check_pages
from .riff import WaveHeader, decode_wave, is_wave, read_wave_header

with extra("speech", "reading audio"):
    import numpy as np
    import soundfile
    import soxr
    from numpy.typing import NDArray

Samples = NDArray[np.float32]

_BLOCK_FRAMES = 1 << 16
_LOUDEST = 256.0
_ALLOWED = {"FLAC": {"PCM_S8", "PCM_16", "PCM_24"}, "OGG": {"VORBIS", "OPUS"}}
_MAGIC = {b"fLaC": "FLAC", b"OggS": "OGG"}
_KNOWN = {b"ID3": "MP3", b"\xff\xfb": "MP3", b"FORM": "AIFF", b".snd": "AU", b"caff": "CAF", b"NIST": "SPHERE"}


@dataclass(frozen=True)
class Header:
    """What a recording says of itself. `frames` is 0 where a stream does not say."""

    format: str
    coding: str
    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def read_audio(source: Path | bytes, *, rate: int, budget: Budget = BUDGET) -> Samples:
    """Read a recording as mono float32 samples at `rate`, about -1 .. 1.

    The same code serves training and inference. Raises BadAudio; silence is left to the caller (`is_silent`).
    """
    data = source if isinstance(source, bytes) else read_file(source, budget=budget)
    header = read_header(data, budget=budget)
    samples = np.concatenate([_mono(block) for block in _blocks(data, header, budget)])
    if header.rate == rate:
        return samples
    resampled: Samples = soxr.resample(samples, header.rate, rate, quality="HQ").astype(np.float32, copy=False)
    if not len(resampled):
        raise BadAudio("zero_length", f"{len(samples)} samples at {header.rate} Hz are none at {rate} Hz")
    return resampled


def read_header(data: bytes, *, budget: Budget = BUDGET) -> Header:
    """Read and check what a recording says of itself, before anything is decoded."""
    if not data:
        raise BadAudio("empty_file", "the file is empty")
    if is_wave(data[:12]):
        wave = read_wave_header(data, len(data))
        header = Header("WAV", wave.coding, wave.rate, wave.channels, wave.frames)
    else:
        header = _native_header(data)
    budget.hold_format(header.rate, header.channels)
    if header.format == "WAV" and header.frames == 0:
        raise BadAudio("zero_length", "the audio has no samples")
    budget.hold_frames(header.frames, header.rate, header.channels)
    return header


def is_silent(samples: Samples) -> bool:
    """Whether nothing is heard: every sample is the same."""
    return bool(np.ptp(samples) == 0)


def _native_header(data: bytes) -> Header:
    """The header of a FLAC or OGG file; only allow-listed codings reach the native decoder."""
    container = _MAGIC.get(data[:4])
    if container is None:
        kind = next((name for magic, name in _KNOWN.items() if data.startswith(magic)), None)
        if kind:
            raise BadAudio("unsupported", f"{kind} files are not read; WAV, FLAC and OGG are")
        if b"RIFF".startswith(data[:4]) or (data[:4] == b"RIFF" and len(data) < 12):
            raise BadAudio("truncated", f"a WAV header of {len(data)} bytes")
        raise BadAudio("not_audio", f"neither WAV, FLAC nor OGG (starts with {data[:8].hex(' ')})")
    if container == "OGG":
        check_pages(data)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            found = Header(file.format, file.subtype, file.samplerate, file.channels, max(0, file.frames))
    except soundfile.LibsndfileError as error:
        reason = "truncated" if len(data) < 64 else "corrupt"
        raise BadAudio(reason, f"the {container} header cannot be read: {_words(error)}") from None
    if found.format != container or found.coding not in _ALLOWED[container]:
        raise BadAudio("unsupported", f"{found.coding} in {found.format}")
    if found.frames >= 2**40:  # libsndfile's way to say that the stream does not tell
        return Header(found.format, found.coding, found.rate, found.channels, 0)
    return found


def _blocks(data: bytes, header: Header, budget: Budget) -> Iterator[Samples]:
    """Decoded blocks (frames, channels), counted against the budget as they come."""
    decoder = _decode_wave(data) if header.format == "WAV" else _decode_native(data)
    frames = 0
    for block in decoder:
        frames += len(block)
        budget.hold_frames(frames, header.rate, header.channels)
        yield block
    if frames < header.frames:
        raise BadAudio("truncated", f"{frames} of {header.frames} frames could be read")
    if frames == 0:
        raise BadAudio("zero_length", "the audio has no samples")


def _decode_wave(data: bytes) -> Iterator[Samples]:
    wave: WaveHeader = read_wave_header(data, len(data))
    for first in range(0, wave.frames, _BLOCK_FRAMES):
        yield decode_wave(data, wave, first, min(wave.frames, first + _BLOCK_FRAMES))


def _decode_native(data: bytes) -> Iterator[Samples]:
    frames = 0
    stream = io.BytesIO(data)
    try:
        with soundfile.SoundFile(stream) as file:
            while True:
                block: Samples = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
                if not len(block):
                    return
                frames += len(block)
                yield block
    except soundfile.LibsndfileError as error:
        at_end = stream.tell() >= len(data)
        message = f"decoding stopped after {frames} frames: {_words(error)}"
        raise BadAudio("truncated" if at_end else "corrupt", message) from None


def _mono(block: Samples) -> Samples:
    loudest = float(np.abs(block).max())
    if not np.isfinite(loudest):
        raise BadAudio("not_finite", "samples are NaN or infinite")
    if loudest > _LOUDEST:
        raise BadAudio("out_of_range", f"samples up to {loudest:.3g}; float audio is expected within -1 .. 1")
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mixed: Samples = block.mean(axis=1, dtype=np.float32)
    return mixed


def _words(error: Exception) -> str:
    """The library's complaint without the object that it was about."""
    return str(error).rpartition(": ")[2].rstrip(".\n")[:120] or "unknown fault"
