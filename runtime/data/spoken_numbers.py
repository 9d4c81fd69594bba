"""The corpus of spoken numbers: strings of digits said by a synthesizer, made on first use."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import wave
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..extras import MissingExtra, extra
from .corpus import CorpusError
from .espeak import SAMPLE_RATE as SPOKEN_RATE
from .espeak import Request, Speaker, SpeakerError

with extra("speech", "spoken_numbers"):
    import numpy as np
    import soxr
    from numpy.typing import NDArray

# Another number for every change that alters a byte of a corpus: an older one is then made again.
VERSION = 1
SAMPLE_RATE = 8000
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPLITS = ("train", "valid", "test")

_ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
_VARIANTS = (
    *("f1", "f2", "f3", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"),
    *("Alicia", "Andrea", "Andy", "Annie", "Lee", "Michael", "linda", "steph"),
)
VOICES = tuple(f"{accent}+{variant}" for accent in _ACCENTS for variant in _VARIANTS)
# The voice of the test split: no training voice has its variant.
UNSEEN_VOICE = "en-us+f4"

_ARCHIVE = "audio.zip"
_DESCRIPTION = "corpus.json"
_MOST_SPEAKERS = 4

OnProgress = Callable[[int, int], None]
Samples = NDArray[np.float32]


def make_corpus(
    folder: Path,
    *,
    seed: int,
    train: int = 2500,
    valid: int = 150,
    test: int = 250,
    digits: tuple[int, int] = (1, 5),
    on_progress: OnProgress | None = None,
) -> Path:
    """Make the corpus in `folder`, unless it is there already; returns `folder`.

    seed                the same seed gives the same bytes, with the same versions of espeak-ng, NumPy and SoXR
    train, valid, test  utterances in each split; utterance i of a split does not depend on them
    digits              least and greatest number of digits in a string
    on_progress         called with (done, total) after each utterance; not called when nothing is to be made

    The folder holds `train.jsonl`, `valid.jsonl` and `test.jsonl` (one line an utterance: `audio`, the path in the
    archive, `text`, `duration` in seconds, `speaker`), `audio.zip` (WAV, mono, 16 bit, 8 kHz) and `corpus.json`.
    A string of digits occurs in one split only. Valid is said by the voices of train, test by UNSEEN_VOICE.
    The folder appears when it is complete. A second process waits for the first and uses what that one made.

    Raises MissingExtra without a synthesizer; CorpusError if it fails, or if the folder holds something else.
    """
    counts = {"train": train, "valid": valid, "test": test}
    if seed < 0 or min(counts.values()) < 1:
        raise ValueError(f"the seed is at least 0 and each split at least 1, not seed {seed}, {counts}")
    least, most = digits
    if not 1 <= least <= most or most < 2:
        # by their hashes, all strings of one digit are train's
        raise CorpusError(f"spoken_numbers needs strings of up to 2 digits or more, not {least} .. {most}")
    order = _Order(seed, counts, digits)
    if _is_complete(folder, order):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.parent / f".{folder.name}.lock"):
        if _is_complete(folder, order):
            return folder
        _refuse_foreign(folder)
        library, data = _find_espeak()
        partial = folder.parent / f".{folder.name}.partial"
        # whoever holds the lock owns these names; a process that was killed may have left them
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            _write_corpus(partial, order, library=library, data=data, on_progress=on_progress)
            _publish(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class _Order:
    seed: int
    counts: dict[str, int]
    digits: tuple[int, int]

    def utterances(self) -> list[tuple[str, int]]:
        return [(split, index) for split in SPLITS for index in range(self.counts[split])]

    def description(self) -> dict[str, object]:
        settings = {"seed": self.seed, "counts": self.counts, "digits": list(self.digits)}
        return {"corpus": "spoken_numbers", "version": VERSION, **settings}


def _is_complete(folder: Path, order: _Order) -> bool:
    found = _read_description(folder)
    if found is None or not order.description().items() <= found.items():
        return False
    try:
        return all((folder / name).stat().st_size == file["bytes"] for name, file in found["files"].items())
    except (AttributeError, KeyError, TypeError, OSError):
        return False


def _read_description(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / _DESCRIPTION).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _refuse_foreign(folder: Path) -> None:
    """Raise CorpusError if making the corpus would replace something that is not one."""
    if not folder.exists():
        return
    found = _read_description(folder)
    if found is not None and found.get("corpus") == "spoken_numbers":
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise CorpusError(f"{folder} exists and is not a corpus of spoken numbers; name another folder or remove it")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a file's lock; it ends with the process, however that ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find_espeak() -> tuple[Path, Path]:
    """Find the library and its data; the package is an extra and may not be installed."""
    try:
        import espeakng_loader
    except ModuleNotFoundError:
        raise MissingExtra("synthesis", "spoken_numbers", "espeakng_loader") from None
    return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())


def _write_corpus(folder: Path, order: _Order, *, library: Path, data: Path, on_progress: OnProgress | None) -> None:
    utterances = order.utterances()
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    with zipfile.ZipFile(folder / _ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for done, ((split, index), clip) in enumerate(_speak_all(order, library, data), start=1):
            name = f"{split}/{index:06d}.wav"
            archive.writestr(_entry(name), _wav(clip.pcm))
            lines[split].append(clip.manifest_line(name))
            if on_progress is not None:
                on_progress(done, len(utterances))
    for split in SPLITS:
        (folder / f"{split}.jsonl").write_bytes("".join(lines[split]).encode())
    files = {path.name: _seal(path) for path in sorted(folder.iterdir())}
    made_with = {name: metadata.version(name) for name in ("espeakng-loader", "numpy", "soxr")}
    description = order.description() | {"sample_rate": SAMPLE_RATE, "files": files, "made_with": made_with}
    (folder / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    _seal(folder / _DESCRIPTION)
    _sync(folder)


@dataclass(frozen=True)
class _Clip:
    text: str
    speaker: str
    pcm: NDArray[np.int16]

    def manifest_line(self, audio: str) -> str:
        duration = len(self.pcm) / SAMPLE_RATE
        return json.dumps({"audio": audio, "text": self.text, "duration": duration, "speaker": self.speaker}) + "\n"


def _speak_all(order: _Order, library: Path, data: Path) -> Iterator[tuple[tuple[str, int], _Clip]]:
    """Make every clip, several at once, in the order of the utterances."""
    num_speakers = min(_MOST_SPEAKERS, os.cpu_count() or 1)
    free: SimpleQueue[Speaker] = SimpleQueue()

    def make(utterance: tuple[str, int]) -> _Clip:
        speaker = free.get()
        try:
            return _make_clip(speaker, order, *utterance)
        finally:
            free.put(speaker)

    utterances = order.utterances()
    with ExitStack() as stack:
        for _ in range(num_speakers):
            free.put(stack.enter_context(Speaker(library, data)))
        pool = ThreadPoolExecutor(num_speakers)
        # before the speakers close: nothing more is begun, and what is begun ends
        stack.callback(pool.shutdown, cancel_futures=True)
        try:
            yield from zip(utterances, pool.map(make, utterances), strict=True)
        except SpeakerError as error:
            raise CorpusError(f"spoken_numbers: {error}") from error


def _make_clip(speaker: Speaker, order: _Order, split: str, index: int) -> _Clip:
    """Make one utterance; whatever is random in it comes from (seed, split, index)."""
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([order.seed, SPLITS.index(split), index])))
    text = _draw_text(random, split, order.digits)
    voice = UNSEEN_VOICE if split == "test" else VOICES[int(random.integers(len(VOICES)))]
    request = Request(
        text,
        voice,
        words_per_minute=int(random.integers(130, 201)),
        pitch=int(random.integers(30, 71)),
        pitch_range=int(random.integers(30, 71)),
        word_gap=int(random.integers(0, 5)),
    )
    spoken_N = np.frombuffer(speaker.speak(request), "<i2").astype(np.float32)
    speech_N = _trim(soxr.resample(spoken_N, SPOKEN_RATE, SAMPLE_RATE))
    return _Clip(text, voice, _record(random, speech_N))


def _draw_text(random: np.random.Generator, split: str, digits: tuple[int, int]) -> str:
    while True:
        num_digits = int(random.integers(digits[0], digits[1] + 1))
        text = " ".join(DIGITS[digit] for digit in random.integers(0, 10, num_digits))
        if split_of(text) == split:
            return text


def split_of(text: str) -> str:
    """Tell the one split in which a string of digits may occur: 8 of 10 are for train."""
    tenth = hashlib.sha256(text.encode()).digest()[0] % 10
    return {0: "valid", 1: "test"}.get(tenth, "train")


def _trim(speech_N: Samples) -> Samples:
    """Cut the silence at both ends."""
    loud = np.flatnonzero(np.abs(speech_N) > 0.01 * np.abs(speech_N).max())
    return speech_N[loud[0] : loud[-1] + 1]


def _record(random: np.random.Generator, speech_N: Samples) -> NDArray[np.int16]:
    """Put speech into a noisy room in front of a microphone: pauses around it, noise, level, 16 bit.

    The noise is between white and pink, 15 to 40 dB below the speech; the peak is 1 to 20 dB below full scale.
    """
    before, after = (random.uniform(0.05, 0.25, 2) * SAMPLE_RATE).astype(int)
    clean_N = np.pad(speech_N, (before, after))
    noise_N = _noise(random, len(clean_N), tilt=random.uniform(0, 0.5))
    speech_rms = np.sqrt(np.mean(np.square(speech_N)))
    noisy_N = clean_N + noise_N * (speech_rms * np.float32(10 ** (-random.uniform(15, 40) / 20)))
    peak = 10 ** (-random.uniform(1, 20) / 20)
    pcm_N: NDArray[np.int16] = np.round(noisy_N * (np.float32(32767 * peak) / np.abs(noisy_N).max())).astype(np.int16)
    return pcm_N


def _noise(random: np.random.Generator, num_samples: int, *, tilt: float) -> Samples:
    """Draw noise of effective value 1 whose amplitude falls with frequency ** tilt (0 white, 0.5 pink)."""
    # a power of two, because a transform of prime length is slow
    num_bins = (1 << (num_samples - 1).bit_length()) // 2 + 1
    spectrum_F = random.standard_normal(2 * num_bins, dtype=np.float32).view(np.complex64)
    spectrum_F *= np.arange(1, num_bins + 1, dtype=np.float32) ** np.float32(-tilt)
    noise_N = np.fft.irfft(spectrum_F)[:num_samples].astype(np.float32)
    noise_N /= np.sqrt(np.mean(np.square(noise_N)))
    return noise_N


def _wav(pcm_N: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(pcm_N.astype("<i2").tobytes())
    return file.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Name an entry of the archive; its date and system are fixed, so that its bytes are."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _seal(path: Path) -> dict[str, int | str]:
    """Bring a written file to the disk; returns its size and hash."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(partial: Path, folder: Path) -> None:
    """Give a complete corpus its name, in place of an older one."""
    replaced = folder.parent / f".{folder.name}.replaced"
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    partial.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
