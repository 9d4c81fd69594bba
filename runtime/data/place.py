"""Where data lies: the paths of a spec, read with the environment when data is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...compiler.part import PathValue
from ...dsl.values import EnvironmentPath, JoinedPath


def place(value: PathValue, *, base: Path, environment: Mapping[str, str]) -> Path:
    """The path that a spec's value stands for.

    A relative one starts at `base`, the spec's folder; one that a variable was set to starts, as on any command line,
    at the current folder.
    """
    pieces = value.pieces if isinstance(value, JoinedPath) else (value,)
    first = pieces[0]
    from_shell = isinstance(first, EnvironmentPath) and bool(environment.get(first.variable))
    start = Path.cwd() if from_shell else base
    return start.joinpath(*(_piece(piece, environment) for piece in pieces))


def _piece(value: str | EnvironmentPath, environment: Mapping[str, str]) -> str:
    """A variable that is set to nothing counts as not set."""
    if isinstance(value, EnvironmentPath):
        return environment.get(value.variable) or value.default
    return value


def variables(value: PathValue) -> tuple[str, ...]:
    """The environment variables that a path reads."""
    pieces = value.pieces if isinstance(value, JoinedPath) else (value,)
    return tuple(piece.variable for piece in pieces if isinstance(piece, EnvironmentPath))
