"""s2sc.toml, the file that marks a project's root: settings of lint, and which packages its specs may name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .diagnostics import Diagnostic, Findings, Severity
from .escapes import clipped
from .limits import LIMITS
from .project_root import PROJECT_FILE, inside, project_root
from .reading import Unreadable, read_source
from .source import Source, Span
from .suggest import did_you_mean, listing

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
_CODES = re.compile(r"S2S\d{0,3}")
_PACKAGE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class LintSettings:
    """The table `[lint]`.

    select    codes or beginnings of codes ("S2S5"); warnings and remarks of others are not shown; empty: all are
    ignore    the same for those that are not shown; errors always are
    fail_on   the least severity that makes the exit code 1
    baseline  a file of the project, relative to its root
    limits    caps by name, each lower than the built-in one
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity = "error"
    baseline: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Project:
    """What applies to all specs below a folder.

    root      the folder, links resolved
    plugins   the packages that specs may name with `use`
    findings  what is wrong with s2sc.toml
    places    where its settings are written, by their path ("lint.ignore"), for more findings about them
    """

    root: Path
    lint: LintSettings = LintSettings()
    plugins: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    places: Mapping[str, Span] = field(default_factory=dict)


def project_of(path: Path) -> Project:
    """The project of a spec or a folder: the nearest s2sc.toml above it says what applies. Faults are in `findings`."""
    real = os.path.realpath(path)
    root = Path(project_root(real if os.path.isdir(real) else os.path.dirname(real)))
    file = root / PROJECT_FILE
    if not file.is_file():
        return Project(root)
    name = _shown(file)
    try:
        if not inside(os.path.realpath(file), str(root)):
            raise Unreadable(f"{name}: leads out of the project", 2)
        source = read_source(file, name=name)
    except Unreadable as error:
        return Project(root, findings=(Diagnostic("S2S101", "error", error.message),))
    return _Reader(root, source).run()


def _shown(file: Path) -> str:
    """As the user would write it: relative to where they are, if it is below."""
    here = os.path.realpath(os.curdir)
    return os.path.relpath(file, here) if inside(str(file), here) else str(file)


class _Reader:
    """Checks one file; a setting that is wrong is left out."""

    def __init__(self, root: Path, source: Source) -> None:
        self.root = root
        self.source = source
        self.findings = Findings()
        self.places = _places(source)

    def run(self) -> Project:
        found = self._tables()
        self._only_known("", found, ("lint", "plugins"))
        lint = self._table(found, "lint")
        self._only_known("lint", lint, [one.name for one in fields(LintSettings)])
        plugins = self._table(found, "plugins")
        self._only_known("plugins", plugins, ("allow",))
        settings = LintSettings(
            select=self._codes(lint, "select"),
            ignore=self._codes(lint, "ignore"),
            fail_on=self._severity(lint),
            baseline=self._baseline(lint),
            limits=self._limits(self._table(lint, "limits", "lint.")),
        )
        allowed = self._texts(plugins, "plugins.allow", "names of packages", _is_package)
        return Project(self.root, settings, allowed, tuple(self.findings), self.places)

    def _tables(self) -> dict[str, Any]:
        # most specs are in a project without settings
        import tomllib

        try:
            return tomllib.loads(self.source.text)
        except RecursionError:
            self.findings.error("S2S110", f"{PROJECT_FILE} is nested too deeply", self._start())
        except ValueError as error:
            said, _, place = str(error).partition(" (at ")
            where = re.search(r"line (\d+), column (\d+)", place)
            span = self._line(int(where[1]), int(where[2])) if where else self._start()
            said = f"{said[:1].lower()}{said[1:]}"
            self.findings.error("S2S101", f"{PROJECT_FILE} is no TOML: {clipped(said, 200)}", span)
        return {}

    # ------------------------------------------------------------ one method a kind of setting

    def _table(self, outer: Mapping[str, Any], name: str, before: str = "") -> dict[str, Any]:
        value = outer.get(name, {})
        if not isinstance(value, dict):
            self._wrong(before + name, f"`{name}` is a table", f"write [{before}{name}]")
            return {}
        return value

    def _only_known(self, table: str, found: Mapping[str, Any], known: Any) -> None:
        for name in found:
            if name not in known:
                path = f"{table}.{name}" if table else name
                what = f"[{table}] has no `{clipped(name, 60)}`" if table else f"unknown table `{clipped(name, 60)}`"
                helps = did_you_mean(name, known) or (f"one of {listing(known)}",)
                self.findings.error("S2S202", what, self._at(path), helps=helps)

    def _texts(self, table: Mapping[str, Any], path: str, what: str, good: Callable[[str], bool]) -> tuple[str, ...]:
        value = table.get(path.rpartition(".")[2], [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._wrong(path, f"`{path.rpartition('.')[2]}` is a list of {what}")
            return ()
        for one in value:
            if not good(one):
                self._wrong(path, f"`{clipped(one, 60)}` is none of the {what}")
        return tuple(one for one in value if good(one))

    def _codes(self, table: Mapping[str, Any], name: str) -> tuple[str, ...]:
        return self._texts(table, f"lint.{name}", 'codes or their beginnings, such as "S2S507" or "S2S5"', is_code)

    def _severity(self, table: Mapping[str, Any]) -> Severity:
        value = table.get("fail_on", "error")
        for severity in SEVERITIES:
            if value == severity:
                return severity
        self._wrong("lint.fail_on", f"`fail_on` is one of {listing(SEVERITIES)}")
        return "error"

    def _baseline(self, table: Mapping[str, Any]) -> str:
        value = table.get("baseline", "")
        if not isinstance(value, str) or "\0" in value:
            self._wrong("lint.baseline", "`baseline` is the name of a file")
            return ""
        real = os.path.realpath(self.root / value)
        if value and not inside(real, str(self.root)):
            self.findings.error("S2S604", "the baseline is a file of the project", self._at("lint.baseline"))
            return ""
        return value

    def _limits(self, table: Mapping[str, Any]) -> dict[str, int]:
        known = [one.name for one in fields(LIMITS)]
        self._only_known("lint.limits", table, known)
        limits: dict[str, int] = {}
        for name in (one for one in known if one in table):
            value, most = table[name], getattr(LIMITS, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                self._wrong(f"lint.limits.{name}", f"`{name}` is a whole number of 1 or more")
            elif value > most:
                self.findings.error(
                    "S2S303",
                    f"`{name}` is at most {most}",
                    self._at(f"lint.limits.{name}"),
                    at="a project can lower a limit, not raise it",
                )
            else:
                limits[name] = value
        return limits

    # ------------------------------------------------------------ places

    def _wrong(self, path: str, message: str, *helps: str) -> None:
        self.findings.error("S2S301", message, self._at(path), helps=helps)

    def _at(self, path: str) -> Span:
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition(".")[0]
        return self._start()

    def _start(self) -> Span:
        return Span(self.source, 0, 0)

    def _line(self, line: int, column: int) -> Span:
        lines = self.source.text.split("\n")
        start = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
        start = min(start, len(self.source.text))
        return Span(self.source, start, start)


def is_code(text: str) -> bool:
    """Whether a text is a code or the beginning of one."""
    return _CODES.fullmatch(text) is not None


def _is_package(text: str) -> bool:
    return _PACKAGE.fullmatch(text) is not None


_HEAD = re.compile(r"[ \t]*\[[ \t]*([\w.-]+)[ \t]*\]")
_KEY = re.compile(r"[ \t]*([\w.-]+)[ \t]*=")


def _places(source: Source) -> dict[str, Span]:
    """Where settings stand, by their paths: as people write the file, a setting a line; tomllib gives no places."""
    places: dict[str, Span] = {}
    table, start = "", 0
    for line in source.text.split("\n"):
        head, key = _HEAD.match(line), _KEY.match(line)
        found = head or key
        if found:
            path = found[1] if head or not table else f"{table}.{found[1]}"
            table = path if head else table
            places.setdefault(path, Span(source, start + found.start(1), start + found.end(1)))
        start += len(line) + 1
    return places
