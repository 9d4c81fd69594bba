"""Patterns of paths in the spec, as settings name layers: `encoder.emb`, `decoder.*`, `encoder.stack.0.*.conv1d`."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def is_among(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern names the path or something that it lies in."""
    return any(matches(path, pattern) for pattern in patterns)


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern names the path, or a section, block or layer around it; `*` stands for any part of one name."""
    wanted, names = pattern.split("."), path.split(".")
    return len(wanted) <= len(names) and all(fnmatchcase(name, one) for name, one in zip(names, wanted, strict=False))


def and_around(paths: Iterable[str]) -> set[str]:
    """Paths with all that they lie in."""
    return {".".join(names[:end]) for path in paths for names in [path.split(".")] for end in range(1, len(names) + 1)}
