"""A run as one HTML file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from .failures import FINDINGS, OK, STORAGE, Refused
from .terminal import note, write

if TYPE_CHECKING:
    from ..runtime.report.material import Material

EXAMPLES = """examples:
  s2sc report runs/wav2letter/latest
  s2sc report runs/wav2letter/3 --against runs/wav2letter/1 -o report.html
  s2sc report runs/wav2letter/3 --against specs/wav2letter.s2s
  s2sc report runs/wav2letter/latest -o - > report.html"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("folder", metavar="RUN", help="a run's folder; it may still be in training")
    verb.add_argument("-o", "--out", metavar="FILE", help="where it goes, - for stdout; default: RUN/report.html")
    verb.add_argument(
        "--against",
        metavar="OTHER",
        help="another run or spec to compare with; default: the run of the spec before this one",
    )


def run(options: argparse.Namespace) -> int:
    """Read a run's folder and write its report."""
    from ..compiler.whole_file import write_whole
    from ..runtime.report.material import earlier_run, material_of
    from ..runtime.report.page import page
    from ..runtime.run_record import is_run

    folder = Path(options.folder)
    if not is_run(folder):
        what = "is not a run" if os.path.isdir(folder) else "is not there"
        raise Refused(f"{folder} {what}: s2sc runs lists those that there are")
    # `latest` is a link, and a report says which one it was
    folder = folder.resolve()
    other: Material | None = None
    if options.against:
        other = _other(options.against)
    elif (before := earlier_run(folder)) is not None:
        other = material_of(before, _name(before))
    made = page(material_of(folder, _name(folder)), other, version=__version__).encode("utf-8", "backslashreplace")
    if options.out == "-":
        write(made.decode())
        return OK
    out = Path(options.out) if options.out else folder / "report.html"
    try:
        write_whole(out, made)
    except OSError as error:
        raise Refused(f"cannot write {out}: {error.strerror or error}; -o names another file", STORAGE) from None
    note(f"wrote {out}")
    return OK


def _name(folder: Path) -> str:
    """A run by its spec and number."""
    return f"{folder.parent.name}/{folder.name}" if folder.name.isdigit() else folder.name


def _other(given: str) -> Material:
    from ..compiler.front import analyse_file
    from ..dsl.reading import read_source
    from ..runtime.report.material import Material as Read
    from ..runtime.report.material import material_of
    from ..runtime.run_record import RunRecord, is_run

    path = Path(given)
    if is_run(path):
        return material_of(path.resolve(), _name(path.resolve()))
    if not os.path.isfile(path):
        raise Refused(f"--against {given}: there is no such run or spec")
    checked = analyse_file(path).checked
    if checked is None:
        raise Refused(f"--against {given}: this spec has errors, which s2sc lint shows", FINDINGS)
    return Read(given, RunRecord(path, "none"), spec=read_source(path).text, checked=checked)
