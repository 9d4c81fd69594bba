"""Where data lies: the paths of a spec, read with the environment when data is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...dsl.values import EnvironmentPath, JoinedPath

PathValue = str | EnvironmentPath | JoinedPath


def place(value: PathValue, *, base: Path, environment: Mapping[str, str]) -> Path:
    """The path that a spec's value stands for; a relative one starts at `base`."""
    if isinstance(value, JoinedPath):
        return base.joinpath(*(_piece(piece, environment) for piece in value.pieces))
    return base / _piece(value, environment)


def _piece(value: str | EnvironmentPath, environment: Mapping[str, str]) -> str:
    """A variable that is set to nothing counts as not set."""
    if isinstance(value, EnvironmentPath):
        return environment.get(value.variable) or value.default
    return value
