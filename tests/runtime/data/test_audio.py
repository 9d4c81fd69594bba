"""Recordings are read alike whatever they are stored as, and refused for the right reason."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s2sc.runtime.data.audio import is_silent, read_audio, read_header
from s2sc.runtime.data.bad_audio import BadAudio
from s2sc.runtime.data.budget import Budget

RATE = 8000


def refusal(data: bytes | Path, **options: Any) -> str:
    with pytest.raises(BadAudio) as caught:
        read_audio(data, rate=RATE, **options)
    return caught.value.reason


def test_every_pcm_and_float_width_gives_the_same_samples(kit: Any) -> None:
    samples = kit.tone(0.1)
    wide = (samples.astype(np.float64) * (2**31 - 1)).astype("<i4")
    stored = {
        "u8": (kit.wav_bytes((samples * 127 + 128).round().astype(np.uint8).tobytes(), bits=8), 1 / 100),
        "i16": (kit.wav_bytes(kit.pcm16(samples)), 1e-4),
        "i24": (kit.wav_bytes(wide.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes(), bits=24), 1e-6),
        "i32": (kit.wav_bytes(wide.tobytes(), bits=32), 1e-6),
        "f32": (kit.wav_bytes(samples.astype("<f4").tobytes(), bits=32, tag=3), 0),
        "f64": (kit.wav_bytes(samples.astype("<f8").tobytes(), bits=64, tag=3), 0),
    }
    for name, (data, tolerance) in stored.items():
        read = read_audio(data, rate=RATE)
        assert read.dtype == np.float32, name
        assert np.abs(read - samples).max() <= tolerance, name


def test_our_wav_reader_agrees_with_the_standard_library(kit: Any) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 16000, 0, "NONE", ""))
        writer.writeframes(np.arange(-2000, 2000, dtype="<i2").tobytes())
    read = read_audio(file.getvalue(), rate=16000)
    expected = np.arange(-2000, 2000).reshape(-1, 2).mean(1) / 32768
    assert np.abs(read - expected).max() < 1e-7


@pytest.mark.parametrize(
    ("format", "subtype"), [("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
)
def test_compressed_formats_are_read(kit: Any, format: str, subtype: str) -> None:
    samples = kit.tone(0.5)
    read = read_audio(kit.encoded(samples, format, subtype), rate=RATE)
    assert len(read) == len(samples)
    assert np.abs(read - samples)[400:-400].max() < (1e-4 if format == "FLAC" else 0.1)


def test_channels_are_mixed_down(kit: Any) -> None:
    left = kit.tone(0.1)
    stereo = np.stack([left, np.zeros_like(left)], 1)
    read = read_audio(kit.wav_bytes(stereo.astype("<f4").tobytes(), channels=2, bits=32, tag=3), rate=RATE)
    assert np.array_equal(read, left / 2)


def test_another_rate_is_resampled(kit: Any) -> None:
    read = read_audio(kit.wav_bytes(kit.pcm16(kit.tone(0.5, rate=44100)), rate=44100), rate=RATE)
    assert len(read) == RATE // 2
    assert np.abs(read - kit.tone(0.5))[200:-200].max() < 1e-3


def test_extensible_headers_are_read(kit: Any) -> None:
    samples = kit.pcm16(kit.tone(0.1))
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, RATE * 2, 2, 16, 22, 16, 4)
    form += struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = b"LIST\x03\x00\x00\x00abc\x00fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    data = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
    assert np.array_equal(read_audio(data, rate=RATE), read_audio(kit.wav_bytes(samples), rate=RATE))


def test_what_is_no_sound_recording_is_refused_for_its_reason(kit: Any, tmp_path: Path) -> None:
    body = kit.pcm16(kit.tone(0.3))
    whole = kit.wav_bytes(body)
    floats = kit.tone(0.1).astype("<f4")
    nan = floats.copy()
    nan[7] = np.nan
    flac, ogg = (kit.encoded(kit.tone(2.0), *coding) for coding in (("FLAC", "PCM_16"), ("OGG", "VORBIS")))
    noisy = kit.encoded(np.random.default_rng(0).normal(0, 0.1, 40000), "FLAC", "PCM_16")
    expected = {
        "empty_file": [b""],
        "not_audio": [b"hello, this is not audio at all", whole[12:], b"\x00" * 100],
        "truncated": [
            whole[:20],
            whole[:40],
            whole[:-100],
            whole[:-1],
            noisy[: len(noisy) // 2],
            flac[:-50],
            ogg[:-9],
            ogg[:-500],
        ],
        "corrupt": [ogg[:200] + b"junk" + ogg[200:]],
        "zero_length": [kit.wav_bytes(b"")],
        "unsupported": [
            kit.wav_bytes(body, tag=2, bits=4),
            kit.wav_bytes(body, tag=0x11, bits=4),
            kit.wav_bytes(body, tag=6, bits=8),
            kit.wav_bytes(body, bits=12),
            b"RIFX" + whole[4:],
            b"ID3\x04" + bytes(100),
        ],
        "broken_header": [
            kit.wav_bytes(body, channels=0),
            kit.wav_bytes(body, rate=0),
            whole[:32] + b"\x07\x00" + whole[34:],
        ],
        "over_budget": [
            kit.wav_bytes(body, rate=1000),
            kit.wav_bytes(body, rate=10**6),
            kit.wav_bytes(bytes(36), channels=9),
        ],
        "not_finite": [
            kit.wav_bytes(nan.tobytes(), bits=32, tag=3),
            kit.wav_bytes(np.full(9, np.inf, "<f4").tobytes(), bits=32, tag=3),
        ],
        "out_of_range": [kit.wav_bytes((floats * 32768).tobytes(), bits=32, tag=3)],
        "missing_file": [tmp_path / "absent.wav", tmp_path / "absent" / "clip.wav"],
        "not_a_file": [tmp_path, Path("/dev/null")],
        "unreadable": [Path("a\0b.wav")],
    }
    for reason, recordings in expected.items():
        for recording in recordings:
            assert refusal(recording) == reason, (reason, recording if isinstance(recording, Path) else recording[:60])


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_that_lacks_its_last_page_is_truncated(kit: Any, subtype: str) -> None:
    whole = kit.encoded(np.random.default_rng(0).normal(0, 0.1, 10 * RATE), "OGG", subtype)
    assert refusal(whole[: whole.rindex(b"OggS")]) == "truncated"


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert refusal(tmp_path / "pipe.wav") == "not_a_file"


def test_ten_minutes_of_silence_in_a_small_file_are_refused_before_decoding(kit: Any) -> None:
    small = kit.encoded(np.zeros(600 * RATE, np.int16), "FLAC", "PCM_16")
    assert len(small) < 40_000
    assert refusal(small) == "over_budget"


def test_the_budget_is_held_while_streaming_where_the_header_lies(kit: Any) -> None:
    honest = bytearray(kit.encoded(np.zeros(600 * RATE, np.int16), "FLAC", "PCM_16"))
    honest[21] &= 0xF0  # the 36-bit number of samples in STREAMINFO: 0 says that it is not known
    honest[22:26] = bytes(4)
    assert refusal(bytes(honest)) == "over_budget"
    honest[22:26] = struct.pack(">I", RATE)
    assert len(read_audio(bytes(honest), rate=RATE)) == RATE


def test_a_wide_file_is_held_against_the_bytes_that_it_decodes_to(kit: Any, tmp_path: Path) -> None:
    data = kit.wav_bytes(bytes(8 * 1000), channels=4)
    (tmp_path / "wide.wav").write_bytes(data)
    assert len(read_audio(data, rate=RATE)) == 1000
    assert refusal(data, budget=Budget(decoded_bytes=15_999)) == "over_budget"
    assert refusal(tmp_path / "wide.wav", budget=Budget(file_bytes=8000)) == "over_budget"


def test_silence_is_read_and_recognised(kit: Any) -> None:
    assert is_silent(read_audio(kit.wav_bytes(bytes(800)), rate=RATE))
    assert is_silent(np.full(10, 0.25, np.float32))
    assert not is_silent(kit.tone(0.1))


def test_a_changed_byte_anywhere_in_a_header_gives_samples_or_a_reason(kit: Any) -> None:
    random = np.random.default_rng(0)
    for data in (kit.wav_bytes(kit.pcm16(kit.tone(0.1))), kit.encoded(kit.tone(0.1), "FLAC", "PCM_16")):
        for _ in range(400):
            changed = bytearray(data)
            changed[int(random.integers(0, 60))] = int(random.integers(0, 256))
            try:
                read = read_audio(bytes(changed), rate=RATE)
            except BadAudio:
                continue
            assert np.isfinite(read).all()


def test_the_header_tells_the_duration(kit: Any) -> None:
    header = read_header(kit.encoded(kit.tone(0.5), "FLAC", "PCM_16"))
    assert (header.format, header.rate, header.channels, header.seconds) == ("FLAC", RATE, 1, 0.5)


def test_reading_audio_imports_no_torch() -> None:
    code = "import sys, s2sc.runtime.data.audio, s2sc.runtime.data.manifest; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
