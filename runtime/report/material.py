"""All that a report is made of, read from a run's folder in bounded memory."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...compiler.graph import CheckedGraph
from ...compiler.graph_file import GraphFileError, read_graph
from ..run_record import Json, NoFile, RunRecord, metrics_record, number, read_bytes, read_json, read_run
from .series import Series

MOST_METRICS = 512 * 2**20
MOST_SPEC = 2**20
MOST_SERIES = 64
MOST_SAMPLES = 20
MOST_REFUSED = 50
_MOST_MAP = 64 * 2**20
_LONGEST_LINE = 64 * 2**10
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_NO_CURVES = ("step", "seconds", "split", "examples")


@dataclass
class Material:
    """What a run's folder holds.

    peak_bytes  the most memory of its last session
    curves    by split ("train", "valid") and name
    skipped   (step, how many batches were left out before it)
    samples   (split, step, examples as id, wanted, found), the newest of each split
    notes     what could not be read, or was cut
    """

    name: str
    record: RunRecord
    started_with: Json = field(default_factory=dict)
    result: Json = field(default_factory=dict)
    curves: dict[tuple[str, str], Series] = field(default_factory=dict)
    skipped: Series = field(default_factory=Series)
    lines: int = 0
    unread_lines: int = 0
    peak_bytes: float | None = None
    spec: str = ""
    checked: CheckedGraph | None = None
    samples: list[tuple[str, int, list[tuple[str, str, str]]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    num_refused: int = 0
    notes: list[str] = field(default_factory=list)


def material_of(folder: Path, name: str) -> Material:
    """Read a run. What is wrong with its files becomes a note."""
    made = Material(name, read_run(folder))
    made.notes += made.record.problems
    made.started_with = _json(made, "run.json")
    made.result = _json(made, "result.json")
    made.peak_bytes = number(_json(made, "status.json").get("peak_bytes"))
    _read_metrics(made, folder)
    made.spec = _text(made, "spec.s2s", MOST_SPEC)
    made.samples = list(_samples(made, folder))
    refused = (line.decode(errors="backslashreplace") for line in _lines(folder, "refused.txt", made.notes))
    for line in refused:
        made.num_refused += 1
        if len(made.refused) < MOST_REFUSED:
            made.refused.append(line.rstrip("\n"))
    made.checked = _graph(made, folder)
    return made


def earlier_run(folder: Path) -> Path | None:
    """The run of the same spec before this one: the folder beside it with the next lower number that is a run."""
    if not (folder.name.isascii() and folder.name.isdigit()):
        return None
    own = int(folder.name)
    numbers = [
        int(one.name)
        for one in folder.parent.iterdir()
        if one.name.isascii() and one.name.isdigit() and int(one.name) < own and not one.is_symlink()
    ]
    found = [folder.parent / str(one) for one in sorted(numbers, reverse=True)]
    return next((one for one in found if (one / "graph.json").is_file()), None)


def _json(made: Material, name: str) -> Json:
    folder = made.record.folder
    if not os.path.lexists(folder / name):
        return {}
    try:
        return read_json(folder, name)
    except NoFile as problem:
        _note(made.notes, str(problem))
        return {}


def _text(made: Material, name: str, most: int) -> str:
    try:
        return read_bytes(made.record.folder, name, most=most).decode(errors="replace")
    except NoFile as problem:
        _note(made.notes, str(problem))
        return ""


def _graph(made: Material, folder: Path) -> CheckedGraph | None:
    try:
        # looked at first, so that no link and no pipe is opened
        read_bytes(folder, "graph.json", most=_MOST_MAP)
        if os.path.lexists(folder / "graph.map.json"):
            read_bytes(folder, "graph.map.json", most=_MOST_MAP)
        return read_graph(folder / "graph.json")
    except (NoFile, GraphFileError, OSError) as problem:
        _note(made.notes, str(problem).replace(f"{folder}{os.sep}", ""))
        return None


def _read_metrics(made: Material, folder: Path) -> None:
    if not os.path.lexists(folder / "metrics.jsonl"):
        return
    for line in _lines(folder, "metrics.jsonl", made.notes):
        record = metrics_record(line)
        step = None if record is None else number(record.get("step"))
        if record is None or step is None:
            made.unread_lines += 1
            continue
        made.lines += 1
        split = record.get("split", "train")
        if not isinstance(split, str) or not _NAME.fullmatch(split):
            continue
        for name, value in record.items():
            _add(made, split, name, step, number(value))
    if made.unread_lines:
        made.notes.append(f"{made.unread_lines} lines of metrics.jsonl are cut off or none")


def _add(made: Material, split: str, name: str, step: float, value: float | None) -> None:
    if value is None or name in _NO_CURVES or not _NAME.fullmatch(name):
        return
    if name == "skipped":
        made.skipped.add(step, value)
    elif (split, name) in made.curves or len(made.curves) < MOST_SERIES:
        made.curves.setdefault((split, name), Series()).add(step, value)


def _samples(made: Material, folder: Path) -> Iterator[tuple[str, int, list[tuple[str, str, str]]]]:
    newest: dict[str, tuple[str, int, list[tuple[str, str, str]]]] = {}
    if not os.path.lexists(folder / "samples.jsonl"):
        return
    for line in _lines(folder, "samples.jsonl", made.notes):
        record = metrics_record(line) or {}
        split, step, found = record.get("split"), number(record.get("step")), record.get("samples")
        if not (isinstance(split, str) and _NAME.fullmatch(split) and step is not None and isinstance(found, list)):
            continue
        triples = [_triple(one) for one in found[:MOST_SAMPLES] if isinstance(one, dict)]
        if split in newest or len(newest) < 8:
            newest[split] = (split, int(step), triples)
    yield from newest.values()


def _triple(sample: dict[str, Any]) -> tuple[str, str, str]:
    return tuple(str(sample.get(name, "")) for name in ("id", "wanted", "found"))  # type: ignore[return-value] # of three


def _lines(folder: Path, name: str, notes: list[str]) -> Iterator[bytes]:
    """The lines of a plain file; one that is too long counts as cut off."""
    if not os.path.lexists(folder / name):
        return
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        _note(notes, f"{name} is a link or cannot be read")
        return
    # looked at before Python makes a file of it, which it refuses for a folder
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        _note(notes, f"{name} is no plain file")
        return
    with open(descriptor, "rb") as file:
        left = MOST_METRICS
        while left > 0 and (line := file.readline(_LONGEST_LINE)):
            left -= len(line)
            yield line
        if left <= 0 and file.readline(1):
            _note(notes, f"{name} is larger than {MOST_METRICS // 2**20} MiB: the rest is not shown")


def _note(notes: list[str], note: str) -> None:
    if note not in notes:
        notes.append(note)


def peak_of(made: Material) -> tuple[float, str] | None:
    """The most memory that was measured, and of what ("cuda": a GPU, "cpu": the whole process)."""
    device = str(made.started_with.get("device", "cpu"))
    return None if made.peak_bytes is None else (made.peak_bytes, "cuda" if device.startswith("cuda") else "cpu")


def as_text(value: object, most: int = 400) -> str:
    """A JSON value as a reader would write it."""
    if isinstance(value, str):
        return value[:most]
    return json.dumps(value, ensure_ascii=False)[:most]
