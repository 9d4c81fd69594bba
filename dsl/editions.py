"""The editions of the language, oldest first: what each one changed. Only the newest is read."""

from __future__ import annotations

from collections.abc import Mapping

EDITIONS: Mapping[int, str] = {1: "the first"}


def newest() -> int:
    """The edition that this version reads and writes."""
    return max(EDITIONS)


def oldest() -> int:
    """The oldest one that can be migrated from."""
    return min(EDITIONS)
