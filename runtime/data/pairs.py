"""Pairs of texts: from two files line by line, from two columns, or from JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from .example import Problem
from .json_line import LINE_BYTES, BadRecord, kind_of, parse_object
from .root import Root
from .text_lines import LIMITS, BadTextFile, TextLimits, checked_text, read_lines, text_of

# Of one file; beyond it, the file is not what it is said to be.
MOST_PROBLEMS = 100_000

Files = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and its translation, and where they stand: `file` is the target's where there are two."""

    source: str
    target: str
    file: str
    line: int


def read_pairs(
    root: Root, files: Files, *, keys: tuple[str, str] = ("source", "target"), limits: TextLimits = LIMITS
) -> Iterator[Pair | Problem]:
    """Every pair of a file or of two files, in order, and what is wrong with the lines that are none.

    files  two paths below the root, or one: JSON lines where it ends in .jsonl or .jsonl.gz, else two columns with a
           tab between them
    keys   the names of both texts in JSON lines

    Raises BadTextFile where a file cannot be read, where two files have different numbers of lines, or where more than
    MOST_PROBLEMS lines are bad.
    """
    if isinstance(files, tuple):
        found = _two_files(root, files, limits)
    elif files.removesuffix(".gz").endswith(".jsonl"):
        found = _json_lines(root, files, keys, limits)
    else:
        found = _columns(root, files, limits)
    num_problems = 0
    for one in found:
        if isinstance(one, Problem):
            num_problems += 1
            if num_problems > MOST_PROBLEMS:
                name = files if isinstance(files, str) else f"{files[0]} and {files[1]}"
                raise BadTextFile(f"{name}: more than {MOST_PROBLEMS:,} bad lines; the first of these is {one}")
        yield one


def _two_files(root: Root, files: tuple[str, str], limits: TextLimits) -> Iterator[Pair | Problem]:
    counts = [0, 0]
    both = zip_longest(*(read_lines(root, file, limits=limits) for file in files))
    for line, (source, target) in enumerate(both, start=1):
        counts = [counts[0] + (source is not None), counts[1] + (target is not None)]
        if source is None or target is None:
            # read on, to be able to say how many there are
            continue
        texts: list[str] = []
        for file, raw in zip(files, (source, target), strict=True):
            try:
                texts.append(text_of(raw))
            except BadRecord as bad:
                yield Problem(bad.reason, bad.message, file, line)
                break
        if len(texts) == 2:
            yield Pair(texts[0], texts[1], files[1], line)
    if counts[0] != counts[1]:
        raise BadTextFile(
            f"{files[0]} has {counts[0]:,} lines and {files[1]} has {counts[1]:,}: "
            "they do not belong together line by line"
        )


def _columns(root: Root, file: str, limits: TextLimits) -> Iterator[Pair | Problem]:
    for line, raw in enumerate(read_lines(root, file, limits=limits), start=1):
        columns = raw.split(b"\t")
        try:
            if len(raw) > LINE_BYTES:
                columns = [raw]
            if len(columns) != 2 and raw.strip():
                # a line that is too long or no UTF-8 is that first
                text_of(raw)
                have = "no tab" if len(columns) == 1 else f"{len(columns) - 1} tabs"
                raise BadRecord("wrong_columns", f"{have} where one divides source and target")
            texts = [text_of(column) for column in (columns if len(columns) == 2 else [raw])]
        except BadRecord as bad:
            yield Problem(bad.reason, bad.message, file, line)
            continue
        yield Pair(texts[0], texts[1], file, line)


def _json_lines(root: Root, file: str, keys: tuple[str, str], limits: TextLimits) -> Iterator[Pair | Problem]:
    for line, raw in enumerate(read_lines(root, file, limits=limits), start=1):
        try:
            if not raw.strip():
                raise BadRecord("empty_text", "an empty line")
            record = parse_object(raw)
            source, target = (_field(record, key) for key in keys)
        except BadRecord as bad:
            yield Problem(bad.reason, bad.message, file, line)
            continue
        yield Pair(source, target, file, line)


def _field(record: Mapping[str, object], key: str) -> str:
    if key not in record:
        raise BadRecord("missing_field", f"no field `{key}`")
    value = record[key]
    if not isinstance(value, str):
        raise BadRecord("wrong_type", f"`{key}` is a {kind_of(value)}, not a string")
    try:
        return checked_text(value)
    except BadRecord as bad:
        raise BadRecord(bad.reason, f"`{key}`: {bad.message}") from None
