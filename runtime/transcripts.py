"""Transcripts of a whole manifest: its lines again, in its order, each with the field `hypothesis`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .data.archive import Archive
from .data.example import Problem
from .data.manifest import Record, read_records
from .data.root import Root
from .recognition import Recording, Transcript, recording_below

Transcribe = Callable[[Iterable[Recording]], Iterator[Transcript]]


@dataclass(frozen=True)
class Outcome:
    """What became of a manifest: how many recordings have a text, and what is wrong with the others."""

    transcribed: int
    problems: tuple[Problem, ...]


def transcribe_manifest(
    manifest: Path,
    transcribe: Transcribe,
    write: Callable[[str], None],
    *,
    archive: str | None = None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Outcome:
    """Transcribe every recording of a manifest and write a JSON line for each record, as soon as it is known.

    archive  a zip in the manifest's folder that holds the recordings; without one they are files. Their paths are
             relative to that folder and cannot lead out of it

    A recording that cannot be transcribed has `"hypothesis": null`; a line that is no record has no line. Raises
    BadManifest where the manifest itself cannot be read.
    """
    root = Root(manifest.parent)
    found = list(read_records(root, manifest.name))
    records = [record for record in found if isinstance(record, Record)]
    problems = [record for record in found if isinstance(record, Problem)]
    if archive is None:
        recordings = [recording_below(root, record.audio) for record in records]
    else:
        zipped = Archive(root, archive)
        recordings = [Recording(record.audio, _member(zipped, record.audio)) for record in records]
    transcribed = 0
    for number, (record, transcript) in enumerate(zip(records, transcribe(recordings), strict=True), 1):
        if transcript.text is None:
            message = f"{record.audio}: {transcript.message}"
            problems.append(Problem(transcript.reason, message, manifest.name, record.line, record.audio))
        else:
            transcribed += 1
        write(_line(record, transcript))
        on_progress(number, len(records))
    problems.sort(key=lambda problem: problem.line)
    return Outcome(transcribed, tuple(problems))


def _line(record: Record, transcript: Transcript) -> str:
    return json.dumps({**record.fields, "hypothesis": transcript.text}, ensure_ascii=False, allow_nan=False)


def _member(archive: Archive, path: str) -> Callable[[], bytes]:
    return lambda: archive.read(path)
