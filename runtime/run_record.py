"""What a run's folder says, read without torch and without trust: it may be half written or made by a stranger."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

STATES = ("training", "finished", "stopped", "diverged", "broken")
MOST_BYTES = 64 * 2**20
_MOST_SMALL = 2**20
_TAIL = 256 * 2**10
_MOST_CHECKPOINTS = 10_000
_MOST_LOOKED_INTO = 3
_CHECKPOINT = re.compile(r"step-([0-9]{9})(?:\.([0-9]{1,4}))?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Json = dict[str, Any]


class NoFile(Exception):
    """A file of a run that cannot be used: not there, no plain file, too large, not what it should be."""


@dataclass(frozen=True)
class RunRecord:
    """How a run stands.

    state     one of STATES; "stopped" can be gone on with
    why       what ended it, or what is wrong with it
    started   seconds since 1970; None where nothing says it
    seconds   in training, over all its sessions
    metric    what the best checkpoint is chosen by ("wer"), and whether less of it is better
    best      its value at `best_step`
    checkpoints  the steps of those that are there, oldest first
    problems  what could not be read
    """

    folder: Path
    state: str
    why: str = ""
    started: float | None = None
    step: int | None = None
    epochs: float | None = None
    seconds: float | None = None
    metric: str | None = None
    lower_is_better: bool = True
    best: float | None = None
    best_step: int | None = None
    checkpoints: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()

    def to_json(self, name: str) -> Json:
        """For platforms."""
        return {
            "name": name,
            "folder": str(self.folder),
            "state": self.state,
            "why": self.why or None,
            "started": None if self.started is None else _iso(self.started),
            "seconds": self.seconds,
            "step": self.step,
            "epochs": self.epochs,
            "metric": self.metric,
            "best": self.best,
            "best_step": self.best_step,
            "checkpoints": list(self.checkpoints),
            "problems": list(self.problems),
        }


@dataclass
class _Reading:
    folder: Path
    problems: list[str] = field(default_factory=list)

    def json(self, name: str, *, most: int = _MOST_SMALL) -> Json | None:
        """An object of a file; None where there is none, which is a problem if the file is there."""
        if not os.path.lexists(self.folder / name):
            return None
        try:
            return read_json(self.folder, name, most=most)
        except NoFile as problem:
            self.problems.append(str(problem))
            return None


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, be it half of one."""
    return any((folder / name).exists() for name in ("run.json", "status.json", "metrics.jsonl", "checkpoints"))


def read_run(folder: Path) -> RunRecord:
    """What a folder says of its run. Raises nothing: what is wrong with it is in it."""
    reading = _Reading(folder)
    held = is_held(folder)
    status = reading.json("status.json") or {}
    started_with = reading.json("run.json")
    result = reading.json("result.json")
    graph = reading.json("graph.json", most=MOST_BYTES)
    saved = checkpoint_folders(folder)
    checkpoints = tuple(saved)
    train, valid = last_records(folder)
    metric, lower = _chosen_by(graph or {})
    state, why = _state(held, status, result, graph is not None, checkpoints, reading.problems)
    ended = result if state == "finished" and result is not None else {}
    value, step = (None, None) if metric is None else _best(folder, metric, lower, ended, list(saved.values()))
    steps = [number(one) for one in (ended.get("steps"), train.get("step"), valid.get("step"))]
    steps += [float(checkpoints[-1])] if checkpoints else []
    found = [one for one in steps if one is not None]
    return RunRecord(
        folder=folder,
        state=state,
        why=why,
        started=_started(folder, started_with or {}),
        step=int(max(found)) if found else None,
        epochs=number(ended.get("epochs", train.get("epoch"))),
        seconds=number(ended.get("seconds", train.get("seconds"))),
        metric=metric,
        lower_is_better=lower,
        best=value,
        best_step=None if step is None or value is None else int(step),
        checkpoints=checkpoints,
        problems=tuple(reading.problems),
    )


def _state(
    held: bool, status: Json, result: Json | None, has_graph: bool, checkpoints: tuple[int, ...], problems: list[str]
) -> tuple[str, str]:
    if held:
        return "training", ""
    if not has_graph:
        return "broken", problems[0] if problems else "it has no graph.json: it ended before it began"
    if problems:
        return "broken", problems[0]
    said, why = status.get("state"), status.get("why")
    why = why if isinstance(why, str) else ""
    if said == "finished" or said is None:
        if result is not None:
            return "finished", ""
        return ("broken", "it is finished and has no result.json") if said else ("stopped", "")
    if said in ("stopped", "diverged"):
        return said, why
    if said == "training":
        left = "" if checkpoints else ", before its first checkpoint"
        return "stopped", f"its process ended without a word{left}"
    return "broken", "status.json has a state that is none"


def _chosen_by(graph: Json) -> tuple[str | None, bool]:
    """The metric that the best checkpoint is chosen by, and whether less of it is better."""
    found: Any = graph
    for key in ("hyperparameters", "params", "checkpoint", "params", "best"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("metric"), str):
        return None, True
    return found["metric"], found.get("direction") != "max"


def _best(folder: Path, metric: str, lower: bool, result: Json, saved: list[str]) -> tuple[float | None, float | None]:
    """The best value of a metric and its step: what the result says, else the newest checkpoint, else metrics.jsonl."""
    split = result.get("valid")
    if isinstance(split, dict) and (value := number(split.get(metric))) is not None:
        return value, number(result.get("best_step"))
    for name in reversed(saved[-_MOST_LOOKED_INTO:]):
        try:
            best = read_json(folder, f"checkpoints/{name}/state.json").get("best")
        except NoFile:
            continue
        if isinstance(best, list) and len(best) == 2 and (value := number(best[1])) is not None:
            return value, number(best[0])
    measured = [
        (number(record.get(metric)), number(record.get("step")))
        for line in reversed(_tail(folder / "metrics.jsonl"))
        if (record := metrics_record(line)) is not None and record.get("split") == "valid"
    ]
    sign = 1 if lower else -1
    # of those that are as good, the last one
    known = ((value, step) for value, step in measured if value is not None)
    return min(known, key=lambda one: sign * one[0], default=(None, None))


def _started(folder: Path, record: Json) -> float | None:
    said = record.get("started")
    if isinstance(said, str) and _TIME.fullmatch(said):
        try:
            return datetime.strptime(said, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
    for name in ("graph.json", "run.json", "metrics.jsonl"):
        try:
            return (folder / name).lstat().st_mtime
        except OSError:
            continue
    return None


def _iso(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None


# ---------------------------------------------------------------- files


def read_bytes(folder: Path, name: str, *, most: int) -> bytes:
    """A plain file of a run, no link and not larger than `most`. Raises NoFile."""
    path = folder / name
    try:
        for around in Path(name).parents[:-1]:
            if (folder / around).is_symlink():
                raise NoFile(f"{around} is a link")
        # a pipe is not waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise NoFile(f"{name} is no plain file")
            if about.st_size > most:
                raise NoFile(f"{name} is larger than {most // 2**20} MiB")
            return file.read(most)
    except OSError as error:
        reason = "is a link" if path.is_symlink() else f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise NoFile(f"{name} {reason}") from None


def read_json(folder: Path, name: str, *, most: int = _MOST_SMALL) -> Json:
    """A JSON object of a run. Raises NoFile."""
    try:
        found = json.loads(read_bytes(folder, name, most=most))
    except (ValueError, RecursionError):
        raise NoFile(f"{name} is not JSON, or was cut off") from None
    if not isinstance(found, dict):
        raise NoFile(f"{name} is no JSON object")
    return found


def last_records(folder: Path) -> tuple[Json, Json]:
    """The last training record and the last one of the valid split in metrics.jsonl; empty where there is none."""
    train: Json = {}
    valid: Json = {}
    for line in reversed(_tail(folder / "metrics.jsonl")):
        record = metrics_record(line)
        if record is None:
            continue
        if record.get("split") == "valid":
            valid = valid or record
        elif "split" not in record:
            train = train or record
        if train and valid:
            break
    return train, valid


def metrics_record(line: bytes) -> Json | None:
    """A line of metrics.jsonl; None for one that is cut off or none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and line.endswith(b"\n") else None


def _tail(path: Path) -> list[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return []
            file.seek(max(0, about.st_size - _TAIL))
            return file.read(_TAIL).splitlines(keepends=True)
    except OSError:
        return []


def checkpoint_folders(folder: Path) -> dict[int, str]:
    """A run's checkpoints, oldest first: step and name; whether each is sound is looked at when it is loaded."""
    found: list[tuple[int, int, str]] = []
    where = folder / "checkpoints"
    try:
        if where.is_symlink():
            return {}
        with os.scandir(where) as entries:
            for entry, _ in zip(entries, range(_MOST_CHECKPOINTS), strict=False):
                if name := _CHECKPOINT.fullmatch(entry.name):
                    found.append((int(name[1]), int(name[2] or 0), entry.name))
    except OSError:
        return {}
    return {step: name for step, _, name in sorted(found)}


def is_held(folder: Path) -> bool:
    """Whether a process trains the run; it is asked without taking the lock."""
    try:
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        try:
            descriptor = os.open(folder / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        if os.uname().sysname == "Linux":
            # struct flock: type, whence, start, length, process
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind: int = struct.unpack("hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[0]
            return kind != fcntl.F_UNLCK
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def number(value: object) -> float | None:
    """A finite number, or None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if isfinite(found) else None
