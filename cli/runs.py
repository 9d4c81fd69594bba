"""The runs below a folder."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .failures import OK, Refused
from .terminal import as_json, colour, note, write

EXAMPLES = """examples:
  s2sc runs
  s2sc runs runs/wav2letter --sort best
  s2sc runs --json"""

SORTS = ("started", "name", "state", "best", "step", "time")


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("folder", metavar="DIR", nargs="?", default="runs", help="where to look; default: runs")
    verb.add_argument("--sort", choices=SORTS, default="started", help="what comes last; default: the newest")
    verb.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """A line for each run."""
    from ..runtime.runs_below import SORTS as KEYS
    from ..runtime.runs_below import runs_below, table

    folder = Path(options.folder)
    if not os.path.isdir(folder):
        raise Refused(f"there is no folder {folder}; s2sc compile SPEC --train makes runs in runs/")
    found = sorted(runs_below(folder), key=KEYS[options.sort])
    if options.json:
        runs = [one.record.to_json(one.name) for one in found]
        write(as_json({"format": "s2sc.runs", "version": 1, "runs": runs}))
    elif found:
        write(table(found, colour=colour(sys.stdout)))
    else:
        note(f"there is no run below {folder}; s2sc compile SPEC --train makes one")
    return OK
