"""The reference pages of this version, written from what it knows of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from .failures import OK, Refused
from .terminal import write

EXAMPLES = """examples:
  s2sc docs
  s2sc docs --out reference/"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("--out", metavar="DIR", type=Path, default=Path("docs"), help="a folder (docs)")


def run(options: argparse.Namespace) -> int:
    """All generated pages."""
    from ..compiler.pages.generated import generated

    out: Path = options.out
    if out.exists() and not out.is_dir():
        raise Refused(f"{out} is no folder")
    out.mkdir(parents=True, exist_ok=True)
    for name, text in generated().items():
        (out / name).write_text(text, encoding="utf-8")
        write(str(out / name))
    return OK
