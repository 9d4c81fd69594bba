"""Small corpora of tones, written where a test wants them."""

from __future__ import annotations

import io
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from s2sc.compiler.parts.data.speech import Speech
from s2sc.compiler.parts.features.logmel import LogMel
from s2sc.compiler.parts.text.alphabet import Alphabet

RATE = 8000
WORDS = ("one", "two", "three", "four", "five", "six")


def tone(seconds: float, *, rate: int = RATE, hertz: float = 440.0) -> Any:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav_bytes(
    body: bytes, *, rate: int = RATE, channels: int = 1, bits: int = 16, tag: int = 1, claimed: int | None = None
) -> bytes:
    """A WAV file around raw sample bytes, with whatever its header is to say."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    size = len(body) if claimed is None else claimed
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size) + body
    return b"RIFF" + struct.pack("<I", (4 + len(chunks)) & 0xFFFFFFFF) + b"WAVE" + chunks


def pcm16(samples: Any) -> bytes:
    return (np.asarray(samples) * 32767).astype("<i2").tobytes()


def encoded(samples: Any, format: str, subtype: str, *, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype)
    return file.getvalue()


def write_corpus(folder: Path, num_clips: int = 24, *, name: str = "train.jsonl") -> list[dict[str, Any]]:
    """Tones of 0.2 to 0.7 s as WAV files, and their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(num_clips):
        samples = tone(0.2 + 0.1 * (number % 6), hertz=200 + 20 * number)
        audio = f"{name.partition('.')[0]}_{number:03}.wav"
        (folder / audio).write_bytes(wav_bytes(pcm16(samples)))
        text = " ".join(WORDS[: 1 + number % 3])
        records.append({"audio": audio, "text": text, "duration": len(samples) / RATE})
    write_manifest(folder / name, records)
    return records


def write_manifest(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def speech(**settings: Any) -> Speech:
    """A speech section with the settings that matter to a test."""
    known: dict[str, Any] = {
        "audio": LogMel(rate=RATE),
        "text": Alphabet(symbols="abcdefghijklmnopqrstuvwxyz' "),
        "train": ("train.jsonl",),
        "on_bad": "skip",
        "buckets": 2,
    }
    return Speech(**(known | settings))


@pytest.fixture(scope="session")
def kit() -> Any:
    """This file's functions, for the tests beside it."""
    return sys.modules[__name__]
