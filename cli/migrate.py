"""Specs of an older edition, rewritten for a newer one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from ..dsl.diagnostics import Diagnostic
from ..dsl.escapes import visible
from ..dsl.migration import CannotMigrate, Migrated, faults, migrate
from ..dsl.reading import read_source
from .failures import FINDINGS, OK, STORAGE, Refused
from .options import positive
from .terminal import colour, note, write

EXAMPLES = """examples:
  s2sc migrate specs/model.s2s --diff
  s2sc migrate specs/*.s2s
  s2sc migrate specs/*.s2s --check"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("specs", nargs="+", metavar="SPEC", help="a .s2s file; together with the files that it imports")
    verb.add_argument("--to", type=positive, metavar="N", help="the edition to write; default: the newest")
    way = verb.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="write nothing; exit 1 if there is something to rewrite")
    way.add_argument("--diff", action="store_true", help="write nothing; show what would be rewritten")


def run(options: argparse.Namespace) -> int:
    """Rewrite each file, if what comes out is sound."""
    done: dict[Path, Migrated] = {}
    for path in map(Path, options.specs):
        try:
            done[path] = migrate(read_source(path), to=options.to)
        except CannotMigrate as problem:
            raise Refused(str(problem), FINDINGS) from None
    stale = {path: made for path, made in done.items() if made.changed}
    for path, made in done.items():
        if not made.changed:
            note(f"{path} is of edition {made.after} already")
    for path, made in stale.items():
        note(f"{path}: edition {made.before} to {made.after}")
        for one in made.made:
            note(f"  {one.step.what} ({one.places} {'place' if one.places == 1 else 'places'})")
        for words in made.by_hand:
            note(f"  look at {words}")
    if options.check:
        return FINDINGS if stale else OK
    if options.diff:
        for path, made in stale.items():
            write("\n".join(_diff(path, read_source(path).text, made.source.text)))
        return OK
    for path, made in stale.items():
        broken = faults(made.source)
        assert not broken, f"migrating {path} broke it: {broken[0].message}"
    unsound = _unsound(done)
    if unsound:
        from ..dsl.report.full import render

        print(render(unsound, colour=colour(sys.stderr)), file=sys.stderr)
        note("nothing was written: this is what the rewritten files would have wrong")
        return FINDINGS
    for path, made in stale.items():
        _write(path, made.source.text)
        note(f"wrote {path}")
    return OK


def _unsound(done: dict[Path, Migrated]) -> list[Diagnostic]:
    """Errors of the files as they would be, each seen with the others rewritten as well."""
    from ..compiler.front import analyse
    from ..dsl.loading import FileLoader, Files

    files = Files()
    for path, made in done.items():
        files.replace(path, made.source.text)
    found = []
    for path, made in done.items():
        if made.changed:
            loader = FileLoader(made.source, path, files)
            found += [one for one in analyse(made.source, loader=loader, blocks_too=True).findings if _is_error(one)]
    return found


def _is_error(finding: Diagnostic) -> bool:
    return finding.severity == "error"


def _diff(path: Path, before: str, after: str) -> Iterator[str]:
    import difflib

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=2)
    yield from map(visible, lines)


def _write(path: Path, text: str) -> None:
    """Replace a spec. Raises Refused."""
    from ..compiler.whole_file import rewrite
    from .replacing import refuse_outside

    refuse_outside(path)
    try:
        rewrite(path, text)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror or error}", STORAGE) from None
