"""Speech manifests: one strict JSON object a line with `audio`, `text`, and optionally `id`, `duration`, `speaker`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .bad_audio import BadAudio
from .example import Example, Problem
from .file_bytes import size_of, unreadable
from .json_line import LINE_BYTES, BadRecord, kind_of, parse_object
from .root import Root, check_path

MANIFEST_BYTES = 4 * 2**30
_SYNONYMS = {
    "audio": ("audio_filepath", "audio_path", "wav", "path", "file", "filename", "wav_filename"),
    "text": ("transcript", "transcription", "sentence", "label", "target"),
}

Encode = Callable[[str], tuple[str, tuple[int, ...]]]


class BadManifest(Exception):
    """A manifest that cannot be read at all."""


class BadText(Exception):
    """A text that the tokenizer refuses."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Manifest:
    """What a manifest holds: examples and problems, each in the order of the file, and how many records there were."""

    path: str
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]

    @property
    def num_records(self) -> int:
        return len(self.examples) + len(self.problems)


@dataclass(frozen=True)
class Record:
    """One line of a manifest: its number, the path of its recording, and all its fields in their order."""

    line: int
    audio: str
    fields: Mapping[str, Any]


def read_manifest(root: Root, path: str, encode: Encode) -> Manifest:
    """Read every record of a manifest below `root`.

    encode  normalises a text and gives its token numbers; raises BadText

    Raises BadManifest where the file itself cannot be read.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, raw in _lines(root, path):
        record: dict[str, Any] = {}
        try:
            record = parse_object(raw)
            example = _example(record, path, line, encode)
            if example.identity in seen:
                raise BadRecord("duplicate_id", f"{example.identity!a} stands in line {seen[example.identity]} too")
        except BadRecord as bad:
            problems.append(Problem(bad.reason, bad.message, path, line, _identity(record)))
            continue
        seen[example.identity] = line
        examples.append(example)
    return Manifest(path, tuple(examples), tuple(problems))


def read_records(root: Root, path: str) -> Iterator[Record | Problem]:
    """Every record of a manifest below `root` as it is written, with what is wrong with the others.

    Only `audio` is asked for: this is what is transcribed. Raises BadManifest where the file itself cannot be read.
    """
    for line, raw in _lines(root, path):
        fields: dict[str, Any] = {}
        try:
            fields = parse_object(raw)
            audio = _string(fields, "audio", required=True)
            check_path(audio)
        except (BadRecord, BadAudio) as bad:
            yield Problem(bad.reason, bad.message, path, line, _identity(fields))
            continue
        yield Record(line, audio, fields)


def _lines(root: Root, path: str) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that are not blank; one longer than the limit is cut behind it and found to be too long."""
    try:
        handle = root.open(path)
        num_bytes = size_of(handle)
    except BadAudio as error:
        raise BadManifest(f"{path}: {error.message}") from None
    with os.fdopen(handle, "rb") as file:
        if num_bytes > MANIFEST_BYTES:
            raise BadManifest(f"{path}: larger than {MANIFEST_BYTES // 2**30} GiB")
        try:
            yield from _split(file)
        except OSError as error:
            raise BadManifest(f"{path}: {unreadable(error).message}") from None


def _split(file: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := file.readline(LINE_BYTES + 1):
        number += 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        whole = raw.endswith(b"\n") or len(raw) <= LINE_BYTES
        while not whole:
            rest = file.readline(LINE_BYTES)
            whole = rest.endswith(b"\n") or not rest
        if raw.strip() or len(raw) > LINE_BYTES:
            yield number, raw


def _example(record: dict[str, Any], path: str, line: int, encode: Encode) -> Example:
    audio = _string(record, "audio", required=True)
    text = _string(record, "text", required=True)
    speaker = record.get("speaker", "")
    if not isinstance(speaker, str | int) or isinstance(speaker, bool):
        raise BadRecord("wrong_type", f"`speaker` is a {kind_of(speaker)}, not a string")
    if record.get("offset", 0) != 0:
        raise BadRecord("unsupported", "`offset`: pieces of recordings are not read; cut the audio first")
    try:
        check_path(audio)
    except BadAudio as error:
        raise BadRecord(error.reason, error.message) from None
    seconds = _duration(record)
    if not text.strip():
        raise BadRecord("empty_text", "`text` is empty")
    try:
        normalised, tokens = encode(text)
    except BadText as error:
        raise BadRecord(error.reason, error.message) from None
    return Example(
        identity=_string(record, "id") or audio,
        audio=audio,
        text=normalised,
        tokens=tokens,
        manifest=path,
        line=line,
        seconds=seconds,
        declared=seconds is not None,
        speaker=str(speaker),
    )


def _string(record: dict[str, Any], name: str, *, required: bool = False) -> str:
    if name not in record:
        if not required:
            return ""
        found = next((other for other in _SYNONYMS[name] if other in record), None)
        hint = f" (`{found}` is not read; call it `{name}`)" if found else ""
        raise BadRecord("missing_field", f"no field `{name}`{hint}")
    value = record[name]
    if not isinstance(value, str):
        raise BadRecord("wrong_type", f"`{name}` is a {kind_of(value)}, not a string")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadRecord("not_utf8", f"`{name}` holds half of a surrogate pair")
    if not value and name == "audio":
        raise BadRecord("missing_field", "`audio` is empty")
    return value


def _duration(record: dict[str, Any]) -> float | None:
    value = record.get("duration")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRecord("wrong_type", f"`duration` is a {kind_of(value)}, not a number of seconds")
    if not 0 < value < 1e9:
        raise BadRecord("wrong_duration", f"`duration` is {value:g} s")
    return float(value)


def _identity(record: dict[str, Any]) -> str:
    """A name for a bad record, as far as it has one."""
    return next((value for value in (record.get("id"), record.get("audio")) if isinstance(value, str) and value), "")
