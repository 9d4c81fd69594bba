"""Where a project begins: the folder of its s2sc.toml, and what lies below it."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_FILE = "s2sc.toml"


def project_root(folder: str) -> str:
    """The nearest folder at or above one (without links) that holds s2sc.toml, else the folder itself."""
    own = Path(folder)
    return str(next((one for one in (own, *own.parents) if (one / PROJECT_FILE).is_file()), own))


def inside(path: str, root: str) -> bool:
    """Whether a path without links is a folder or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
