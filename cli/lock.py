"""What a spec is made of, written down beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import __version__
from ..compiler.front import Analysis, analyse
from ..dsl.loading import FileLoader
from ..dsl.reading import read_source
from .analysis import show_findings
from .failures import FINDINGS, OK, STORAGE, Refused
from .terminal import as_json, note, write

EXAMPLES = """examples:
  s2sc lock specs/wav2letter.s2s
  s2sc lock specs/wav2letter.s2s --check"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--check", action="store_true", help="write nothing; exit 1 if SPEC.lock is not what is there")
    verb.add_argument("--json", action="store_true", help="with --check: what differs as JSON")


def run(options: argparse.Namespace) -> int:
    """Write SPEC.lock, or say what differs from it."""
    from ..compiler.lock import held_against, lock_of, lock_path
    from ..compiler.whole_file import canonical, write_whole

    if options.json and not options.check:
        raise Refused("--json goes with --check")
    spec = Path(options.spec)
    source = read_source(spec)
    loader = FileLoader(source, spec)
    analysis: Analysis = analyse(source, loader=loader)
    show_findings(analysis)
    if analysis.checked is None:
        return FINDINGS
    graph, architecture = analysis.checked.graph, analysis.checked.architecture_hash
    path = lock_path(spec)
    if not options.check:
        lock = lock_of(graph, architecture, loader, spec, tool=__version__)
        try:
            write_whole(path, canonical(lock.to_json()))
        except OSError as error:
            raise Refused(f"cannot write {path}: {error.strerror or error}", STORAGE) from None
        texts = len(lock.imports) + len(lock.library) + len(lock.signatures)
        note(f"wrote {path}: the spec, {texts} texts that it imports, {len(lock.data)} data files")
        return OK
    found = held_against(spec, graph, architecture, loader, tool=__version__, hashed=True)
    if not found.path:
        raise Refused(f"{path} is not there: make it with s2sc lock {spec}", FINDINGS)
    if found.problem:
        raise Refused(found.problem, FINDINGS)
    wrong = [one for one in found.changed if one.counts]
    if options.json:
        listed = [
            {"kind": one.kind, "name": one.name, "message": one.message, "counts": one.counts} for one in found.changed
        ]
        write(as_json({"format": "s2sc.lock.check", "version": 1, "fits": not wrong, "differs": listed}))
        return FINDINGS if wrong else OK
    for one in found.changed:
        note(one.message if one.counts else f"note: {one.message}")
    if wrong:
        note(f"{path} does not fit; if all that is meant, write it anew with s2sc lock {spec}")
        return FINDINGS
    note(f"{path} fits")
    return OK
