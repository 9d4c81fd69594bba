"""Many recordings through a recogniser: read, held to limits, grouped by length, answered in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from .data.audio import Samples, read_audio
from .data.bad_audio import BadAudio
from .data.file_bytes import read_file
from .data.root import Root
from .export.metadata import Limits
from .grouping import group_by_length
from .no_answer import NoAnswer

# Enough to find clips of like length, little enough to answer soon and to fit into memory.
_READ_AHEAD = 128
_READ_AHEAD_SECONDS = 1800.0
_BATCH_CLIPS = 16
_BATCH_SECONDS = 120.0


@dataclass(frozen=True)
class Recording:
    """A recording that is to be transcribed: what to call it, and how to get at its bytes (BadAudio if that fails)."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Transcript:
    """What was heard in a recording, or why nothing could be.

    text     None where there is a problem
    reason   a key of runtime.data.bad_audio.REASONS, or "too_short", "too_long", "no_answer"; "" without a problem
    message  what was found, for people
    """

    recording: Recording
    text: str | None
    reason: str = ""
    message: str = ""
    seconds: float | None = None

    @property
    def name(self) -> str:
        return self.recording.name

    def __str__(self) -> str:
        return f"{self.name}: {self.text if self.text is not None else f'{self.reason}: {self.message}'}"


class Recogniser(Protocol):
    """What turns samples into text: an exported file or a trained run."""

    @property
    def rate(self) -> int:
        """Samples a second that it wants."""

    @property
    def limits(self) -> Limits:
        """Batches and clips that it takes."""

    def recognise(self, clips: Sequence[Samples]) -> list[str | NoAnswer]:
        """The texts of one batch within the limits."""

    def transcribe(self, files: Iterable[Path | Recording]) -> Iterator[Transcript]:
        """Transcribe files in order; one that cannot be read or is too long is reported and stops no other."""
        return transcribe((file if isinstance(file, Recording) else recording_of_file(file) for file in files), self)


def transcribe(recordings: Iterable[Recording], recogniser: Recogniser) -> Iterator[Transcript]:
    """Transcribe recordings; results come in the order of the recordings, each with a text or a problem.

    Clips of like length share a batch, so little is padded; a clip's text does not depend on its neighbours.
    """
    waiting = iter(recordings)
    while group := _read_ahead(waiting, recogniser):
        yield from _answers(group, recogniser)


def recording_of_file(path: Path) -> Recording:
    """A recording in a file of its own."""
    return Recording(str(path), lambda: read_file(path))


def recording_below(root: Root, path: str) -> Recording:
    """A recording at a path that must not lead out of a folder."""
    return Recording(path, lambda: root.read(path))


def _read_ahead(waiting: Iterator[Recording], recogniser: Recogniser) -> list[tuple[Transcript, Samples | None]]:
    group: list[tuple[Transcript, Samples | None]] = []
    seconds = 0.0
    for recording in islice(waiting, _READ_AHEAD):
        transcript, samples = _read(recording, recogniser)
        group.append((transcript, samples))
        seconds += transcript.seconds or 0.0
        if seconds > _READ_AHEAD_SECONDS:
            break
    return group


def _read(recording: Recording, recogniser: Recogniser) -> tuple[Transcript, Samples | None]:
    """The samples of one recording, or its problem."""
    limits, rate = recogniser.limits, recogniser.rate
    try:
        # silence is no fault here: what it says is the model's to answer
        samples = read_audio(recording.read(), rate=rate)
    except BadAudio as error:
        return Transcript(recording, None, error.reason, error.message), None
    seconds = len(samples) / rate
    # half a sample of tolerance: limits in seconds need not be whole samples
    if seconds < limits.least_seconds - 0.5 / rate:
        message = f"lasts {seconds:.3g} s, the model takes {limits.least_seconds:g} s or more"
        return Transcript(recording, None, "too_short", message, seconds), None
    if seconds > limits.most_seconds + 0.5 / rate:
        message = f"lasts {seconds:.4g} s, the model takes up to {limits.most_seconds:g} s"
        return Transcript(recording, None, "too_long", message, seconds), None
    return Transcript(recording, None, seconds=seconds), samples


def _answers(group: list[tuple[Transcript, Samples | None]], recogniser: Recogniser) -> list[Transcript]:
    clips = {place: samples for place, (_, samples) in enumerate(group) if samples is not None}
    answers = [transcript for transcript, _ in group]
    num_samples = {place: len(samples) for place, samples in clips.items()}
    for places in batches(num_samples, rate=recogniser.rate, most=recogniser.limits.most_batch):
        texts = recogniser.recognise([clips[place] for place in places])
        for place, text in zip(places, texts, strict=True):
            old = answers[place]
            if isinstance(text, NoAnswer):
                answers[place] = Transcript(old.recording, None, "no_answer", str(text), old.seconds)
            else:
                answers[place] = Transcript(old.recording, text, seconds=old.seconds)
    return answers


def batches(num_samples: Mapping[int, int], *, rate: int, most: int) -> Iterator[list[int]]:
    """Group clips of like length, the longest first; at most `most` clips in each, fewer where they are long."""
    return group_by_length(num_samples, budget=_BATCH_SECONDS * rate, most=min(most, _BATCH_CLIPS))
