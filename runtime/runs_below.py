"""The runs below a folder, as a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..dsl.escapes import clipped, display_width
from .run_record import STATES, RunRecord, is_run, read_run

DEEPEST = 5
MOST_FOLDERS = 100_000
_LONGEST_NAME = 60
_RATES = ("wer", "cer")


@dataclass(frozen=True)
class Listed:
    """A run and its name: where it is below the folder that was asked for."""

    name: str
    record: RunRecord


def runs_below(folder: Path) -> Iterator[Listed]:
    """Every run in or below a folder; links are not followed, and what a run holds is not looked through."""
    if is_run(folder):
        yield Listed(folder.resolve().name, read_run(folder))
        return
    waiting = [(folder, 0)]
    left = MOST_FOLDERS
    while waiting and left:
        here, depth = waiting.pop()
        left -= 1
        try:
            with os.scandir(here) as entries:
                inside = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        for one in sorted(inside, reverse=True):
            if is_run(one):
                yield Listed(str(one.relative_to(folder)), read_run(one))
            elif depth + 1 < DEEPEST and not one.name.startswith("."):
                waiting.append((one, depth + 1))


def _never(value: float | None) -> tuple[bool, float]:
    return value is not None, value or 0.0


def _best(one: Listed) -> tuple[str, bool, float]:
    record = one.record
    sign = -1 if record.lower_is_better else 1
    return record.metric or "", record.best is not None, sign * (record.best or 0.0)


def _name(one: Listed) -> tuple[tuple[int, int, str], ...]:
    """Numbers by their size, so that 10 comes after 9."""
    parts = one.name.split(os.sep)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts)


# what comes last is nearest to the next prompt: the newest, the best, the longest
SORTS: dict[str, Callable[[Listed], Any]] = {
    "started": lambda one: (_never(one.record.started), _name(one)),
    "name": _name,
    "state": lambda one: (-STATES.index(one.record.state), _never(one.record.started)),
    "best": _best,
    "step": lambda one: _never(one.record.step),
    "time": lambda one: _never(one.record.seconds),
}


def table(listed: Sequence[Listed], *, colour: bool = False) -> str:
    """Runs as aligned lines, and under each that is broken why."""
    rows: list[tuple[str, ...]] = [("run", "state", "best", "step", "epochs", "started", "took")]
    rows += [_row(one) for one in listed]
    widths = [max(display_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for index, row in enumerate(rows):
        cells = [
            _padded(cell, width, right=column in (3, 4, 6))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        if colour and index == 0:
            cells = [f"\x1b[2m{cell}\x1b[0m" for cell in cells]
        elif colour:
            cells[1] = f"\x1b[{_COLOURS[listed[index - 1].record.state]}m{cells[1]}\x1b[0m"
        lines.append("  ".join(cells).rstrip())
        if index and (why := listed[index - 1].record.why) and listed[index - 1].record.state in ("broken", "diverged"):
            lines.append(f"    {clipped(why, 160)}")
    return "\n".join(lines)


_COLOURS = {"training": "36", "finished": "32", "stopped": "33", "diverged": "31", "broken": "31"}


def _row(one: Listed) -> tuple[str, ...]:
    record = one.record
    return (
        clipped(one.name, _LONGEST_NAME),
        record.state,
        "–" if record.best is None or record.metric is None else figure(record.metric, record.best),
        "–" if record.step is None else str(record.step),
        "–" if record.epochs is None else f"{record.epochs:.2f}",
        when(record.started),
        "–" if record.seconds is None else duration(record.seconds),
    )


def figure(metric: str, value: float) -> str:
    """A metric with its name: rates in percent."""
    shown = f"{100 * value:.2f} %" if metric in _RATES else f"{value:.4g}"
    return f"{clipped(metric, 20)} {shown}"


def when(seconds: float | None) -> str:
    """A moment on this machine's clock."""
    try:
        return "–" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "–"


def duration(seconds: float) -> str:
    """3 s, 4:05, 2:03:00, 5 d 02:03."""
    whole = int(min(max(seconds, 0), 1e12))
    if whole < 60:
        return f"{whole} s"
    days, hours, minutes = whole // 86400, whole // 3600, whole // 60 % 60
    if days:
        return f"{days} d {hours % 24:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if right else text + space
