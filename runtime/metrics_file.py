"""metrics.jsonl: a line for each measurement, none of them twice or in part."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .storage import StorageError, replace_file


class MetricsFile:
    """Records as JSON lines; what a full disk refuses waits for the next try."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[str] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a line. StorageError if it cannot be written now; it then goes with the next one."""
        self._waiting.append(json.dumps(record, sort_keys=True, allow_nan=False) + "\n")
        self.write()

    def write(self) -> None:
        """Write what waits, or nothing; StorageError if that fails."""
        try:
            with open(self._path, "ab", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                try:
                    _write_all(file.fileno(), "".join(self._waiting).encode())
                except OSError:
                    # half a line must not stand before the next one
                    with suppress(OSError):
                        file.truncate(size)
                    raise
        except OSError as error:
            raise StorageError(f"cannot write {self._path}", error) from error
        self._waiting = []

    def forget_after(self, step: int, *, evaluated: int) -> None:
        """Drop what a resumed run does again, and a line that was cut off.

        step       the last step that it does not take again
        evaluated  the last step after which it does not measure the valid split again; others are measured at the end
        """
        self._waiting = [line for line in self._waiting if _stays(json.loads(line), step, evaluated)]
        if self._path.exists():
            lines = list(_lines(self._path))
            kept = [line for line, found in lines if found is not None and _stays(found, step, evaluated)]
            # a run may go on where there is no room to write all of it again
            if len(kept) < len(lines):
                replace_file(self._path, "".join(kept).encode())


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                found = None
            yield line, found if isinstance(found, dict) and line.endswith("\n") else None


def _stays(record: Mapping[str, Any], step: int, evaluated: int) -> bool:
    if "split" not in record:
        return _step(record) <= step
    return record["split"] == "valid" and _step(record) <= evaluated


def _step(record: Mapping[str, Any]) -> float:
    step = record.get("step", 0)
    return step if isinstance(step, int | float) else 0
