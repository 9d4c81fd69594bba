"""Findings that are known already: a file of them, by code, file and place in the model, never by line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ...dsl.diagnostics import Diagnostic
from ...dsl.reading import Unreadable, read_bytes
from ...dsl.source import Source, Span
from ..strict_json import BadJson, parse_strictly
from ..whole_file import canonical, write_whole

VERSION = 1
_MOST_BYTES = 4 * 1024 * 1024
_MOST_DEPTH = 4


class BadBaseline(Exception):
    """A file that is no baseline."""


class Entry(NamedTuple):
    """One finding, wherever its line is today.

    place  its path in the model; of a finding that has none, its message
    """

    file: str
    code: str
    place: str


class Baseline:
    """The findings of a file, each as often as it was there.

    _met  those of them that were found again, by the spec that they were found for
    """

    def __init__(self, path: Path, counts: Counter[Entry]) -> None:
        self.path = path
        self._counts = counts
        self._met: dict[Path, Counter[Entry]] = {}

    def remaining(self, findings: Iterable[Diagnostic], spec: Path) -> list[Diagnostic]:
        """The findings for a spec that are new; errors always are."""
        met: Counter[Entry] = Counter()
        kept = []
        for finding in findings:
            entry = _entry(finding, self.path)
            if finding.severity != "error" and met[entry] < self._counts[entry]:
                met[entry] += 1
            else:
                kept.append(finding)
        self._met[spec] = met
        return kept

    def gone(self, sources: Iterable[Source]) -> list[Diagnostic]:
        """A remark for each entry of these files that is no longer found."""
        files = {_file(source.name, self.path): source for source in sources}
        found = []
        met = sum(self._met.values(), Counter[Entry]())
        for entry, count in sorted((self._counts - met).items()):
            if count > 0 and entry.file in files:
                times = f" ({count} times)" if count > 1 else ""
                found.append(
                    Diagnostic(
                        "S2S901",
                        "info",
                        f"the baseline has `{entry.code}` for {entry.place or entry.file}{times}, which is gone",
                        Span(files[entry.file], 0, 0),
                        helps=("write the baseline again with --write-baseline",),
                    )
                )
        return found


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises BadBaseline."""
    found = _content(path)
    if found.get("version") != VERSION:
        raise BadBaseline(f"{path}: is a baseline of another version of s2sc; write it again with --write-baseline")
    counts: Counter[Entry] = Counter()
    for number, item in enumerate(found["findings"], 1):
        entry, count = _read_entry(item)
        if entry is None:
            raise BadBaseline(f"{path}: entry {number} has no file, code, place and count")
        counts[entry] += count
    return Baseline(path, counts)


def _content(path: Path) -> dict[str, Any]:
    """What a baseline of any version holds. Raises BadBaseline."""
    try:
        content = read_bytes(path, str(path), most=_MOST_BYTES, what="a baseline")
        found = parse_strictly(content, str(path), most_bytes=_MOST_BYTES, most_depth=_MOST_DEPTH)
    except Unreadable as error:
        raise BadBaseline(error.message) from None
    except BadJson as error:
        raise BadBaseline(str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("findings"), list):
        raise BadBaseline(f"{path}: is no baseline; s2sc lint --write-baseline writes one")
    return found


def write_baseline(path: Path, findings: Iterable[Diagnostic]) -> int:
    """Write what is known from now on; gives how many findings that are. Errors are left out.

    Raises OSError; BadBaseline where a file that is none is there, such as a spec whose name was meant to follow.
    """
    if path.is_file() and path.stat().st_size:
        try:
            _content(path)
        except BadBaseline:
            raise BadBaseline(f"{path} is there and is no baseline: remove it or choose another name") from None
    counts = Counter(_entry(finding, path) for finding in findings if finding.severity != "error")
    entries = [{**entry._asdict(), "count": count} for entry, count in sorted(counts.items())]
    write_whole(path, canonical({"version": VERSION, "findings": entries}))
    return sum(counts.values())


def _entry(finding: Diagnostic, baseline: Path) -> Entry:
    name = finding.span.source.name if finding.span else ""
    return Entry(_file(name, baseline), finding.code, finding.place or _text(finding.message))


def _file(name: str, baseline: Path) -> str:
    """A file as it is reached from the baseline, so that both can move together."""
    if not name or (name.startswith("lib/") and not os.path.exists(name)):
        return name
    folder = os.path.realpath(baseline.parent)
    real = os.path.join(os.path.realpath(os.path.dirname(name) or os.curdir), os.path.basename(name))
    return _text(os.path.relpath(real, folder).replace(os.sep, "/"))


def _text(text: str) -> str:
    # half a surrogate pair, as in the name of a file that is no text, has no place in JSON
    return text.encode("utf-8", "replace").decode()


def _read_entry(item: Any) -> tuple[Entry | None, int]:
    if not isinstance(item, dict):
        return None, 0
    texts = [item.get(name) for name in Entry._fields]
    count = item.get("count", 1)
    if not all(isinstance(text, str) for text in texts) or not isinstance(count, int) or count < 1:
        return None, 0
    return Entry(*[str(text) for text in texts]), count
