"""Every problem of specs, in the form that is asked for."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from .. import __version__
from ..compiler.front import analyse_file
from ..dsl.diagnostics import Diagnostic
from ..dsl.reading import Unreadable
from .failures import FINDINGS, OK, Refused
from .options import variants
from .terminal import colour, say, write

LEVELS = ("error", "warning", "info")
FORMATS = ("full", "concise", "json", "github", "sarif", "junit")

EXAMPLES = """examples:
  s2sc lint specs/
  s2sc lint model.s2s --format concise --fail-on warning
  s2sc lint model.s2s --set hyperparameters.batch="8 examples\""""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("paths", nargs="+", metavar="PATH", help="specs, or folders that are searched for *.s2s")
    verb.add_argument("--format", choices=FORMATS, default="full", help="how findings are shown")
    verb.add_argument("--fail-on", choices=LEVELS, default="error", help="least severity that makes the exit code 1")
    verb.add_argument(
        "--with-files", action="store_true", help="read the data files, too: are they there, and as they were locked?"
    )
    variants(verb)


def run(options: argparse.Namespace) -> int:
    """Every problem of every file."""
    # what was imported stays: looking for garbage among it, now and when the process ends, is a twentieth of a lint
    gc.freeze()
    findings: list[Diagnostic] = []
    unreadable: list[Unreadable] = []
    paths = list(_specs(options.paths))
    for path in paths:
        try:
            analysis = analyse_file(
                path,
                profile=options.profile,
                sets=options.set,
                blocks_too=True,
                with_lock=True,
                with_files=options.with_files,
            )
            findings.extend(analysis.findings)
        except Unreadable as error:
            unreadable.append(error)
    if len(unreadable) < len(paths) or options.format in ("json", "sarif", "junit"):
        _report(findings, options.format, [str(path) for path in paths])
    for refused in unreadable:
        say(refused.message, refused.exit_code)
    counted = LEVELS[: LEVELS.index(options.fail_on) + 1]
    code = FINDINGS if any(finding.severity in counted for finding in findings) else OK
    return max([code, *(refused.exit_code for refused in unreadable)])


def _specs(paths: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        # a name that is too long is none, and is named when it is read
        if not os.path.isdir(path):
            yield path
            continue
        found = sorted(path.rglob("*.s2s"))
        if not found:
            raise Refused(f"there is no .s2s file below {path}")
        yield from found


def _report(findings: Sequence[Diagnostic], form: str, files: Sequence[str]) -> None:
    render = import_module(f"..dsl.report.{form}", __package__).render
    more: dict[str, Any] = {"files": files} if form == "junit" else {}
    if form == "sarif":
        from ..compiler.rulebook import rules

        more = {"titles": {rule.code: rule.title for rule in rules()}, "version": __version__}
    write(render(findings, colour=colour(sys.stdout), **more))
