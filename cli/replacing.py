"""Give a file another text: all of it, or nothing."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..dsl.loading import inside, project_root
from .failures import FINDINGS, Refused


def replace_text(path: Path, content: bytes) -> None:
    """Write a file anew and keep its mode; whoever reads it meanwhile sees the old text or the new one.

    A link is followed to the file it leads to, inside the project. Raises Refused.
    """
    real = os.path.realpath(path)
    refuse_outside(path)
    folder, name = os.path.split(real)
    temporary = ""
    try:
        mode = stat.S_IMODE(os.stat(real).st_mode)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", dir=folder)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, real)
        temporary = ""
        _keep_names(folder)
    except OSError as error:
        raise Refused(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        if temporary:
            os.unlink(temporary)


def refuse_outside(path: Path) -> None:
    """Say no to a link that leads out of the project of the folder in which it stands."""
    if not inside(os.path.realpath(path), project_root(os.path.realpath(path.parent))):
        raise Refused(f"{path}: leads out of the project, so it is left alone", FINDINGS)


def _keep_names(folder: str) -> None:
    """Make the new name of a file last through a loss of power, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
