"""How a process that trains with others tells its supervisor how it ended: in a file, not by its exit code.

torchrun's agent answers 1 for whatever its workers answer, and starts them all again for any answer but 0. So an end
that another start would not change (stopped on request, diverged, storage failed …) is written down, and the process
ends with 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .failures import DIVERGED, FINDINGS, INTERRUPTED, OK, REFUSED, STOPPED, STORAGE, USAGE

VARIABLE = "S2SC_STATUS"
FINAL = (OK, FINDINGS, USAGE, STORAGE, STOPPED, DIVERGED, REFUSED, INTERRUPTED)


def reported(code: int, environment: Mapping[str, str]) -> int:
    """Write an exit code down where a supervisor looks; gives the one to end with."""
    folder = environment.get(VARIABLE)
    if folder is None or code not in FINAL:
        return code
    (Path(folder) / f"rank{environment.get('RANK', '0')}").write_text(str(code), encoding="ascii")
    return OK


def codes(folder: Path) -> dict[int, int]:
    """The codes that were written down, by rank."""
    found = {int(path.name.removeprefix("rank")): path for path in folder.glob("rank*")}
    return {rank: int(path.read_text(encoding="ascii") or 70) for rank, path in sorted(found.items())}


def ended(environment: Mapping[str, str]) -> int | None:
    """The code with which training has ended already, so that a process that was started again has nothing to do."""
    folder = environment.get(VARIABLE)
    return None if folder is None else next((code for code in codes(Path(folder)).values() if code != OK), None)
