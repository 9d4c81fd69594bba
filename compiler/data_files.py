"""The files that a spec's data section names, as far as they are in the project."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..dsl.project_root import inside
from ..dsl.values import EnvironmentPath, JoinedPath, PairOf
from .graph import Graph
from .locked import Content

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class DataFile:
    """A file by its path below the project's root; `setting` is where the spec names it: "data.train"."""

    path: str
    setting: str


def data_files(graph: Graph, folder: str, root: str) -> tuple[DataFile, ...]:
    """The files of a data section; what lies outside the root is none of ours, and variables are not read.

    folder  the spec's, which relative paths start from; root  the project's; both with links resolved
    """
    values = graph.data.values()
    base = os.path.join(folder, *_pieces(values.get("root", ".")))
    found: dict[str, DataFile] = {}
    for declared in graph.data.params:
        if declared.name == "root" or declared.type not in ("path", "files", "pairs"):
            continue
        for path in _paths(values[declared.name]):
            real = _real(os.path.join(base, *path))
            if real is not None and inside(real, root) and real != root:
                below = os.path.relpath(real, root).replace(os.sep, "/")
                found.setdefault(below, DataFile(below, f"data.{declared.name}"))
    return tuple(found.values())


def content_of(root: str, path: str, *, hashed: bool) -> Content | None:
    """What is in a file below the root, read piece by piece; None where there is no such file."""
    # what a link leads to was looked at when the path was made; it may have been changed since
    real = _real(os.path.join(root, path))
    if real is None or not inside(real, root):
        return None
    try:
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if not hashed:
            return Content(status.st_size)
        digest, size = hashlib.sha256(), 0
        while piece := os.read(descriptor, _CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
        return Content(size, digest.hexdigest())
    except OSError:
        return None
    finally:
        os.close(descriptor)


def contents(graph: Graph, folder: str, root: str, *, hashed: bool) -> Mapping[DataFile, Content | None]:
    """All data files with what is in them; None for those that are not there."""
    return {file: content_of(root, file.path, hashed=hashed) for file in data_files(graph, folder, root)}


def _paths(value: object) -> Iterator[list[str]]:
    if isinstance(value, tuple):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, PairOf):
        yield from _paths(value.source)
        yield from _paths(value.target)
    elif isinstance(value, str | EnvironmentPath | JoinedPath):
        yield _pieces(value)


def _pieces(value: object) -> list[str]:
    if isinstance(value, JoinedPath):
        return [piece.default if isinstance(piece, EnvironmentPath) else piece for piece in value.pieces]
    return [value.default if isinstance(value, EnvironmentPath) else str(value)]


def _real(path: str) -> str | None:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None
