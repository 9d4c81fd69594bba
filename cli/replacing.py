"""Give a file another text: all of it, or nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..compiler.whole_file import write_whole
from ..dsl.project_root import inside, project_root
from .failures import FINDINGS, Refused


def replace_text(path: Path, content: bytes) -> None:
    """Write a file anew and keep its mode; a link is followed to the file it leads to. Raises Refused."""
    refuse_outside(path)
    real = Path(os.path.realpath(path))
    try:
        write_whole(real, content, mode=stat.S_IMODE(real.stat().st_mode))
    except OSError as error:
        raise Refused(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def refuse_outside(path: Path) -> None:
    """Say no to a link that leads out of the project of the folder in which it stands."""
    if not inside(os.path.realpath(path), project_root(os.path.realpath(path.parent))):
        raise Refused(f"{path}: leads out of the project, so it is left alone", FINDINGS)
