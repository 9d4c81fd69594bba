"""What is to be linted, as the command line says it."""

from __future__ import annotations

from dataclasses import dataclass

from ...dsl.diagnostics import Severity


@dataclass(frozen=True)
class Choice:
    """What the command line asks for; None where the project decides.

    profiles      applied together
    all_profiles  look at the spec as it stands, then with each of its profiles
    since         a revision of git: only what came after it counts
    with_files    read the data files that the specs name, too
    """

    profiles: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    all_profiles: bool = False
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = None
    since: str = ""
    with_files: bool = False
