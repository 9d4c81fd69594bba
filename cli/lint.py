"""Every problem of specs, in the form that is asked for."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from .. import __version__
from ..compiler.lint.choice import Choice
from ..compiler.lint.linter import Linted, Linter
from ..dsl.diagnostics import Diagnostic
from ..dsl.project_root import inside, project_root
from ..dsl.reading import Unreadable
from ..dsl.source import Source
from .failures import FINDINGS, OK, USAGE, Refused
from .options import variants
from .terminal import colour, note, say, write

Result = TypeVar("Result")
LEVELS = ("error", "warning", "info")
FORMATS = ("full", "concise", "json", "github", "sarif", "junit")

EXAMPLES = """examples:
  s2sc lint specs/
  s2sc lint model.s2s --format concise --fail-on warning
  s2sc lint model.s2s --fix
  s2sc lint specs/ --since main --all-profiles
  s2sc lint specs/ --write-baseline lint-baseline.json
  s2sc lint - --stdin-filename specs/model.s2s
  s2sc lint model.s2s --set hyperparameters.batch="8 examples\""""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("paths", nargs="+", metavar="PATH", help="specs, folders that are searched for *.s2s, or -")
    verb.add_argument("--format", choices=FORMATS, default="full", help="how findings are shown")
    verb.add_argument("--fail-on", choices=LEVELS, help="least severity that makes the exit code 1 (default: error)")
    verb.add_argument(
        "--with-files", action="store_true", help="read the data files, too: are they there, and as they were locked?"
    )
    variants(verb)
    verb.add_argument("--all-profiles", action="store_true", help="as the spec stands, then with each of its profiles")
    chosen = verb.add_argument_group("which findings")
    chosen.add_argument(
        "--select", action="append", metavar="CODES", help="show warnings and remarks of these codes only: S2S507,S2S6"
    )
    chosen.add_argument(
        "--ignore", action="append", default=[], metavar="CODES", help="leave out warnings and remarks of these codes"
    )
    chosen.add_argument("--since", metavar="REV", help="show only what was not found at a revision of git")
    chosen.add_argument("--baseline", metavar="FILE", help="leave out what this file says is known")
    chosen.add_argument("--write-baseline", metavar="FILE", help="write what is found now as known; errors never are")
    fixes = verb.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="put right what can be without changing the model")
    fixes.add_argument("--unsafe-fixes", action="store_true", help="the same, and what may change it")
    fixes.add_argument("--diff", action="store_true", help="show what --fix would do, and write nothing")
    verb.add_argument("--stdin-filename", metavar="NAME", help="what - is called, and where its imports are")


def run(options: argparse.Namespace) -> int:
    """Every problem of every file."""
    # what was imported stays: looking for garbage among it, now and when the process ends, is a twentieth of a lint
    gc.freeze()
    linter = _linter(options)
    searched = _Searched(linter)
    code = searched.run(_targets(options))
    if options.fix or options.unsafe_fixes or options.diff:
        fixed = _fix(options, searched)
        if options.diff:
            return max(code, fixed)
        code = max(fixed, searched.again())
    findings = [one for linted in searched.linted for one in linted.findings]
    if options.write_baseline:
        return _write_baseline(Path(options.write_baseline), findings, options, code)
    gone = linter.gone(searched.linted)
    findings = [*searched.findings, *findings, *gone]
    if searched.linted or searched.findings or options.format in ("json", "sarif", "junit"):
        _report(findings, options.format, [str(target.path) for target in searched.targets])
    for refused in searched.unreadable:
        say(refused.message, refused.exit_code)
    if gone and options.fail_on == "info":
        code = max(code, FINDINGS)
    return code


# ---------------------------------------------------------------- which files


@dataclass(frozen=True)
class _Target:
    """One file: its text if it is none on the disk, the project's folder if a search found it."""

    path: Path
    source: Source | None = None
    within: str | None = None


@dataclass
class _Searched:
    """All files that are looked at, and what came of it."""

    linter: Linter
    targets: list[_Target] = field(default_factory=list)
    linted: list[Linted] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)

    def run(self, targets: Iterator[_Target | Diagnostic]) -> int:
        """Look at them; gives the exit code."""
        for target in targets:
            if isinstance(target, Diagnostic):
                self.findings.append(target)
            elif all(target.path != known.path for known in self.targets):
                self.targets.append(target)
        return self.again()

    def again(self) -> int:
        """Look at all of them once more, as they are now."""
        from ..compiler.revision import NoRevision

        self.linted, self.unreadable = [], []
        for target in self.targets:
            try:
                self.linted.append(self.linter.lint(target.path, target.source, within=target.within))
            except Unreadable as error:
                self.unreadable.append(error)
            except NoRevision as problem:
                raise Refused(f"--since: {problem}") from None
        failed = bool(self.findings) or any(one.failed for one in self.linted)
        return max([FINDINGS if failed else OK, *(refused.exit_code for refused in self.unreadable)])


def _targets(options: argparse.Namespace) -> Iterator[_Target | Diagnostic]:
    for written in options.paths:
        path = Path(written)
        if written == "-":
            yield _stdin(options)
        elif os.path.isdir(path):
            found = [*_found(path)]
            if not found:
                raise Refused(f"there is no .s2s file below {path}")
            yield from found
        else:
            # a name that is too long is none, and is named when it is read
            yield _Target(path)


def _found(folder: Path) -> Iterator[_Target | Diagnostic]:
    """The specs below a folder; nobody chose each of them, so what is no file of the project is not opened."""
    root = project_root(os.path.realpath(folder))
    names: list[Path] = []
    for inner, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [Path(inner, name) for name in files if name.endswith(".s2s")]
    for path in sorted(names):
        real = os.path.realpath(path)
        if not inside(real, root):
            yield Diagnostic("S2S206", "error", f"{path} leads out of the project")
        elif not os.path.isfile(real):
            yield Diagnostic("S2S206", "error", f"{path} is no regular file")
        else:
            yield _Target(path, within=root)


def _stdin(options: argparse.Namespace) -> _Target:
    from ..dsl.limits import LIMITS
    from ..dsl.reading import source_of

    if options.fix or options.unsafe_fixes or options.diff:
        raise Refused("what comes from stdin cannot be fixed; name the file")
    if options.since and not options.stdin_filename:
        raise Refused("--since needs --stdin-filename: which file of the repository is it?")
    name = options.stdin_filename or "<stdin>"
    if os.path.isdir(name) or "\0" in name:
        raise Refused("--stdin-filename is the name of a file")
    return _Target(Path(name), source_of(sys.stdin.buffer.read(LIMITS.file_bytes + 1), name))


# ---------------------------------------------------------------- which findings


def _linter(options: argparse.Namespace) -> Linter:
    if options.all_profiles and options.profile:
        raise Refused("--all-profiles and --profile exclude each other")
    if options.baseline and options.write_baseline:
        raise Refused("--baseline and --write-baseline exclude each other")
    choice = Choice(
        profiles=tuple(options.profile),
        sets=tuple(options.set),
        all_profiles=options.all_profiles,
        select=None if options.select is None else _codes(options.select, "--select"),
        ignore=_codes(options.ignore, "--ignore"),
        fail_on=options.fail_on,
        since=options.since or "",
        with_files=options.with_files,
    )
    linter = Linter(choice, all_known=bool(options.write_baseline))
    if options.since == "":
        raise Refused("--since names a branch, a tag or a commit, such as HEAD~3")
    if options.baseline:
        from ..compiler.lint.baseline import BadBaseline, read_baseline

        try:
            linter.baseline = read_baseline(Path(options.baseline))
        except BadBaseline as problem:
            raise Refused(str(problem)) from None
    return linter


def _codes(written: Sequence[str], option: str) -> tuple[str, ...]:
    from ..compiler.lint.codes import unknown

    codes = tuple(code.strip() for one in written for code in one.split(",") if code.strip())
    for code in unknown(codes):
        raise Refused(f"{option}: there is no code that is or begins with `{code}`; s2sc explain lists all")
    return codes


def _write_baseline(path: Path, findings: Sequence[Diagnostic], options: argparse.Namespace, code: int) -> int:
    from ..compiler.lint.baseline import BadBaseline, write_baseline

    errors = [one for one in findings if one.severity == "error"]
    if errors:
        _report(errors, options.format, [])
    try:
        number = _written(path, lambda: write_baseline(path, findings))
    except BadBaseline as problem:
        raise Refused(str(problem)) from None
    note(f"wrote {number} finding{'s' if number != 1 else ''} to {path}")
    if errors:
        note("errors are never taken for known")
    return FINDINGS if errors else max(OK, code if code >= USAGE else OK)


def _written(path: Path, write_it: Callable[[], Result]) -> Result:
    """What writing a file gives. Raises Refused."""
    try:
        return write_it()
    except OSError as problem:
        raise Refused(f"cannot write {path}: {problem.strerror or problem}") from None


# ---------------------------------------------------------------- fixes


def _fix(options: argparse.Namespace, searched: _Searched) -> int:
    """Put right what can be, file by file; gives the exit code of that alone."""
    from ..compiler.lint.fixing import fix_all
    from .replacing import refuse_outside

    code, number = OK, 0
    for fixed in fix_all(searched.linter, searched.linted, unsafe=options.unsafe_fixes):
        if fixed.refused:
            note(f"{fixed.path}: left as it was: {fixed.refused}")
            code = FINDINGS
        elif fixed.fixes:
            number += len(fixed.fixes)
            if options.diff:
                write(fixed.diff())
                code = FINDINGS
            else:
                refuse_outside(fixed.path)
                _written(fixed.path, fixed.write)
    does = "would fix" if options.diff else "fixed"
    note(f"{does} {number} problem{'s' if number != 1 else ''}")
    return code


# ---------------------------------------------------------------- what is shown


def _report(findings: Sequence[Diagnostic], form: str, files: Sequence[str]) -> None:
    render = import_module(f"..dsl.report.{form}", __package__).render
    more: dict[str, Any] = {"files": files} if form == "junit" else {}
    if form == "sarif":
        from ..compiler.rulebook import rules, text_rules

        more = {"titles": {rule.code: rule.title for rule in (*rules(), *text_rules())}, "version": __version__}
    text = render(findings, colour=colour(sys.stdout), **more)
    if text:
        write(text)
