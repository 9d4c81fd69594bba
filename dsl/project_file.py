"""The project's settings: s2sc.toml in the nearest folder above a spec."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A project's folder, and the packages whose code it trusts."""

    root: Path
    plugins: tuple[str, ...] = ()


def project_of(path: Path) -> Project:
    """The project that a spec or a folder is in."""
    own = path.resolve() if path.is_dir() else path.resolve().parent
    root = next((folder for folder in (own, *own.parents) if (folder / "s2sc.toml").is_file()), own)
    try:
        found = tomllib.loads((root / "s2sc.toml").read_text())
    except (OSError, ValueError):
        found = {}
    return Project(root, tuple(found.get("plugins", {}).get("allow", ())))
