"""Speech from espeak-ng: words in, samples out, the same for the same request whatever was spoken before.

espeak-ng leaks from one utterance into the next (flutter, echo, breath noise, its random numbers) and is not thread
safe. So a process of its own loads the library (with ctypes), and every utterance is spoken by a fresh fork of that
process. This file is also the program of that process; that is why it imports the standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

SAMPLE_RATE = 22050

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_PLAIN_POSITION = 1
_RANDOM_SEED = 1
_PARAMETERS = (("words_per_minute", 1), ("pitch", 3), ("pitch_range", 4), ("word_gap", 7))
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_LENGTH = struct.Struct("<i")


class SpeakerError(Exception):
    """espeak-ng could not be started, or could not speak a request."""


@dataclass(frozen=True)
class Request:
    """What to say and how.

    voice       an espeak-ng voice and, after a plus sign, a variant: "en-us+f3"
    pitch, pitch_range   0 to 100, 50 is the voice's own
    word_gap    extra pause between words, in 10 ms at the voice's own speed
    """

    text: str
    voice: str
    words_per_minute: int = 175
    pitch: int = 50
    pitch_range: int = 50
    word_gap: int = 0


class Speaker:
    """A process that speaks; use it in a `with` statement, and from one thread at a time."""

    def __init__(self, library: Path, data: Path) -> None:
        # -I and -S: nothing of the user's environment is imported, and a small process forks quickly
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(library), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def speak(self, request: Request) -> bytes:
        """Say a request; returns mono PCM, int16 little-endian at SAMPLE_RATE."""
        line = json.dumps(asdict(request)).encode() + b"\n"
        try:
            _stdin(self._process).write(line)
        except BrokenPipeError:
            raise SpeakerError("espeak-ng ended early") from None
        (num_bytes,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if num_bytes <= 0:
            raise SpeakerError(f'espeak-ng could not say "{request.text}" with the voice {request.voice}')
        return self._read(num_bytes)

    def _read(self, num_bytes: int) -> bytes:
        read = b""
        while len(read) < num_bytes:
            part = _stdout(self._process).read(num_bytes - len(read))
            if not part:
                raise SpeakerError("espeak-ng ended early")
            read += part
        return read

    def __enter__(self) -> Speaker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # the end of its input ends the process
        _stdin(self._process).close()
        _stdout(self._process).close()
        self._process.wait()


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


def _stdout(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _serve(library_path: str, data_path: str) -> None:
    """Answer requests, a line of JSON each, with the number of bytes (0: it failed) and the samples."""
    espeak = ctypes.CDLL(library_path)
    if espeak.espeak_Initialize(_SYNCHRONOUS, 0, data_path.encode(), _DO_NOT_EXIT) != SAMPLE_RATE:
        raise SystemExit("espeak-ng did not start")
    # it starts from the time of day
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(_RANDOM_SEED))
    # reads the list of voices and the English dictionary once, here, and not in each fork
    espeak.espeak_SetVoiceByName(b"en-us")
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            _answer(espeak, json.loads(line))
        _, status = os.waitpid(child, 0)
        if status != 0:
            _write(_LENGTH.pack(0))


def _answer(espeak: ctypes.CDLL, request: dict[str, str | int]) -> None:
    """Speak in the forked process, write the samples, and end it."""
    status = 1
    try:
        samples = _synthesize(espeak, request)
        _write(_LENGTH.pack(len(samples)) + samples)
        status = 0
    finally:
        # not sys.exit: the fork must not go on with its parent's work
        os._exit(status)


def _synthesize(espeak: ctypes.CDLL, request: dict[str, str | int]) -> bytes:
    parts: list[bytes] = []

    def receive(samples: int | None, num_samples: int, events: int | None) -> int:
        if samples and num_samples > 0:
            parts.append(ctypes.string_at(samples, 2 * num_samples))
        return 0

    text = str(request["text"]).encode()
    # kept in a name: the library holds no reference of its own
    callback = _CALLBACK(receive)
    espeak.espeak_SetSynthCallback(callback)
    errors = [espeak.espeak_SetVoiceByName(str(request["voice"]).encode())]
    errors += [espeak.espeak_SetParameter(number, request[name], 0) for name, number in _PARAMETERS]
    errors += [espeak.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, _PLAIN_POSITION, 0, _UTF8, None, None)]
    return b"" if any(errors) else b"".join(parts)


def _write(answer: bytes) -> None:
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
